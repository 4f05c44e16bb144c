/**
 * Makes a valid empty qcow2 of version 3 (header cluster, refcount table, L1 table) and then sets the fields in `over`.
 */
export function qcow2(over: Partial<Record<keyof typeof at, number | bigint>> = {}, extra?: Buffer): Buffer {
  const cluster = 65_536
  const file = Buffer.alloc(4 * cluster)
  const fields = {
    magic: 0x514649fb,
    version: 3,
    backingOffset: 0n,
    backingLength: 0,
    clusterBits: 16,
    virtualSize: 64n * 1024n * 1024n,
    encryption: 0,
    l1Size: 1,
    l1Offset: BigInt(3 * cluster),
    refcountOffset: BigInt(cluster),
    refcountClusters: 1,
    snapshots: 0,
    snapshotsOffset: 0n,
    incompatible: 0n,
    refcountOrder: 4,
    headerLength: 104,
    ...over,
  }
  for (const [name, value] of Object.entries(fields)) {
    const offset = at[name as keyof typeof at]
    if (typeof value === 'bigint') file.writeBigUInt64BE(value, offset)
    else file.writeUInt32BE(value, offset)
  }
  extra?.copy(file, 104)
  return file
}
const at = {
  magic: 0,
  version: 4,
  backingOffset: 8,
  backingLength: 16,
  clusterBits: 20,
  virtualSize: 24,
  encryption: 32,
  l1Size: 36,
  l1Offset: 40,
  refcountOffset: 48,
  refcountClusters: 56,
  snapshots: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  refcountOrder: 96,
  headerLength: 100,
}
