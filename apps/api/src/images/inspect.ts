/**
 * Reads image headers: bounded, pure, and the first code that ever looks at a tenant's bytes (R3). Accepts plain
 * self-contained raw and qcow2 images, and names the format of everything else. Layouts: docs/interop/qcow2.txt of QEMU
 * for qcow2; the signatures of the first bytes in the probes of QEMU's block/*.c for the rest.
 */
export type Inspection =
  | { ok: true; format: 'raw' | 'qcow2'; virtualBytes: number }
  | { ok: false; reason: string }

/** How many bytes of the beginning of a file `inspectImage` needs. */
export const headBytes = 128 * 1024
/** Largest virtual disk of an image that the cloud accepts: 16 TiB. */
const maxVirtualBytes = 2 ** 44

const refuse = (reason: string): Inspection => ({ ok: false, reason })

/**
 * Inspects a file of `sizeBytes`; `head` is its first bytes (up to headBytes), `tail` its last 512 bytes. The reason of
 * a refusal never quotes bytes of the file.
 */
export function inspectImage(
  declared: 'raw' | 'qcow2',
  file: { head: Buffer; tail: Buffer; sizeBytes: number },
): Inspection {
  if (file.sizeBytes === 0) return refuse('The file is empty.')
  if (isQcow2(file.head)) {
    if (declared !== 'qcow2')
      return refuse('The file is qcow2, but the image was declared as raw. Create it with format qcow2.')
    return inspectQcow2(file.head, file.sizeBytes)
  }
  const other = foreignFormat(file.head, file.tail)
  if (other)
    return refuse(
      `The file is ${other}, which cannot be used as ${declared}. Convert it to qcow2 first, for example with qemu-img convert -O qcow2.`,
    )
  if (declared === 'qcow2')
    return refuse('The file is not qcow2. If it is a plain disk image, create the image with format raw.')
  if (file.sizeBytes > maxVirtualBytes) return refuse('The disk is larger than 16 TiB.')
  return { ok: true, format: 'raw', virtualBytes: Math.ceil(file.sizeBytes / 512) * 512 }
}

const isQcow2 = (head: Buffer) => head.length >= 4 && head.readUInt32BE(0) === 0x514649fb

function inspectQcow2(head: Buffer, sizeBytes: number): Inspection {
  if (head.length < 72) return refuse('The qcow2 header is cut off.')
  const version = head.readUInt32BE(4)
  if (version !== 2 && version !== 3) return refuse(`qcow2 version ${version} is not supported; 2 and 3 are.`)
  if (version === 3 && head.length < 104) return refuse('The qcow2 header is cut off.')
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0)
    return refuse('The image depends on a backing file. Flatten it first: qemu-img convert -O qcow2.')
  if (head.readUInt32BE(32) !== 0) return refuse('The image is encrypted, which is not supported.')
  if (head.readUInt32BE(60) !== 0)
    return refuse('The image holds internal snapshots. Flatten it first: qemu-img convert -O qcow2.')
  if (version === 3) {
    const problem = incompatibleFeatures(head.readBigUInt64BE(72))
    if (problem) return refuse(problem)
  }
  return qcow2Tables(head, sizeBytes) ?? qcow2Extensions(head, version) ?? sizeOf(head)
}

const sizeOf = (head: Buffer): Inspection => ({
  ok: true,
  format: 'qcow2',
  virtualBytes: Number(head.readBigUInt64BE(24)),
})

/** Bits of the incompatible features: 0 dirty, 1 corrupt, 2 data file, 3 compression type, 4 extended L2. */
function incompatibleFeatures(bits: bigint): string | null {
  if (bits & 1n) return 'The image was not closed properly. Repair it first: qemu-img check -r all.'
  if (bits & 2n) return 'The image is marked as corrupt. Repair it first: qemu-img check -r all.'
  if (bits & 4n)
    return 'The image keeps its data in another file. Flatten it first: qemu-img convert -O qcow2.'
  if (bits >> 5n) return 'The image uses qcow2 features that are not supported.'
  return null
}

/** Checks that sizes and places of the tables are possible within a file of `sizeBytes`. */
function qcow2Tables(head: Buffer, sizeBytes: number): Inspection | null {
  const clusterBits = head.readUInt32BE(20)
  if (clusterBits < 9 || clusterBits > 21) return refuse('The qcow2 cluster size is not possible.')
  const cluster = 2 ** clusterBits
  const virtual = head.readBigUInt64BE(24)
  if (virtual === 0n) return refuse('The image holds a disk of zero bytes.')
  if (virtual > BigInt(maxVirtualBytes)) return refuse('The image claims a disk larger than 16 TiB.')
  const l1Entries = head.readUInt32BE(36)
  const needed = Math.ceil(Number(virtual) / (cluster * (cluster / 8)))
  // Extended L2 entries are twice as long, so up to twice as many tables are needed.
  if (l1Entries < needed || l1Entries > Math.max(2 * needed, 64) + 1024)
    return refuse('The qcow2 tables do not fit the size of the disk.')
  const l1 = head.readBigUInt64BE(40)
  const refcount = head.readBigUInt64BE(48)
  const refcountClusters = head.readUInt32BE(56)
  const misplaced = (offset: bigint, length: number) =>
    offset === 0n || offset % BigInt(cluster) !== 0n || offset + BigInt(length) > BigInt(sizeBytes)
  if (misplaced(l1, l1Entries * 8) || misplaced(refcount, 0) || refcountClusters === 0)
    return refuse('The qcow2 tables point outside of the file.')
  if (refcountClusters * cluster > 8 * 1024 ** 2) return refuse('The qcow2 reference table is too large.')
  return null
}

const extensions = { end: 0, backingFormat: 0xe2792aca, dataFile: 0x44415441, encryption: 0x0537be77 }

/** Walks the header extensions, at most 64 of them, within the bytes that were read. */
function qcow2Extensions(head: Buffer, version: number): Inspection | null {
  let at = version === 3 ? head.readUInt32BE(100) : 72
  if (at < 72 || (version === 3 && at < 104) || at > 4096)
    return refuse('The qcow2 header length is not possible.')
  const clusterEnd = Math.min(head.length, 2 ** head.readUInt32BE(20))
  for (let count = 0; count < 64; count++) {
    if (at + 8 > clusterEnd) return null
    const type = head.readUInt32BE(at)
    const length = head.readUInt32BE(at + 4)
    if (type === extensions.end) return null
    if (type === extensions.backingFormat)
      return refuse('The image depends on a backing file. Flatten it first: qemu-img convert -O qcow2.')
    if (type === extensions.dataFile)
      return refuse('The image keeps its data in another file. Flatten it first: qemu-img convert -O qcow2.')
    if (type === extensions.encryption) return refuse('The image is encrypted, which is not supported.')
    if (length > clusterEnd - at - 8) return refuse('A qcow2 header extension is longer than the header.')
    at += 8 + Math.ceil(length / 8) * 8
  }
  return refuse('The qcow2 header has too many extensions.')
}

const signatures: readonly { name: string; at: number; bytes: Buffer }[] = [
  { name: 'a VMDK disk', at: 0, bytes: Buffer.from('KDMV') },
  { name: 'a VMDK disk', at: 0, bytes: Buffer.from('COWD') },
  { name: 'a VHD disk', at: 0, bytes: Buffer.from('conectix') },
  { name: 'a VHDX disk', at: 0, bytes: Buffer.from('vhdxfile') },
  { name: 'a QED disk', at: 0, bytes: Buffer.from('QED\0') },
  { name: 'a QCOW disk of version 1', at: 0, bytes: Buffer.from('QFI') },
  { name: 'a VirtualBox disk (VDI)', at: 0x40, bytes: Buffer.from([0x7f, 0x10, 0xda, 0xbe]) },
  { name: 'an encrypted LUKS volume', at: 0, bytes: Buffer.from('LUKS\xba\xbe', 'latin1') },
  { name: 'a Parallels disk', at: 0, bytes: Buffer.from('WithoutFreeSpace') },
  { name: 'a Parallels disk', at: 0, bytes: Buffer.from('WithouFreSpacExt') },
  { name: 'a Bochs disk', at: 0, bytes: Buffer.from('Bochs Virtual HD Image') },
  { name: 'a cloop image', at: 0, bytes: Buffer.from('#!/bin/sh\n#V2.0 Format') },
  { name: 'a DMG image', at: 0, bytes: Buffer.from('koly') },
  { name: 'an ISO image', at: 32_769, bytes: Buffer.from('CD001') },
  { name: 'a gzip archive', at: 0, bytes: Buffer.from([0x1f, 0x8b]) },
  { name: 'an xz archive', at: 0, bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) },
  { name: 'a zstd archive', at: 0, bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
  { name: 'a bzip2 archive', at: 0, bytes: Buffer.from('BZh') },
  { name: 'a zip archive', at: 0, bytes: Buffer.from([0x50, 0x4b, 3, 4]) },
  { name: 'a 7z archive', at: 0, bytes: Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]) },
  { name: 'a tar archive (OVA?)', at: 257, bytes: Buffer.from('ustar') },
]

function foreignFormat(head: Buffer, tail: Buffer): string | null {
  for (const { name, at, bytes } of signatures)
    if (head.length >= at + bytes.length && head.subarray(at, at + bytes.length).equals(bytes)) return name
  if (isVmdkDescriptor(head)) return 'a VMDK descriptor'
  if (tail.subarray(-512).indexOf('conectix') === 0) return 'a VHD disk'
  if (tail.subarray(-512).indexOf('koly') === 0) return 'a DMG image'
  return null
}

/** Recognizes a VMDK descriptor as QEMU does: version=1, 2 or 3 comes after comments and blank lines. */
function isVmdkDescriptor(head: Buffer): boolean {
  const lines = head.subarray(0, 20_480).toString('latin1').split('\n', 400)
  if (/^#\s*Disk DescriptorFile/i.test(lines[0] ?? '')) return true
  for (const line of lines) {
    if (/^\s*(#.*)?\r?$/.test(line)) continue
    return /^version=[123]\s*$/i.test(line)
  }
  return false
}
