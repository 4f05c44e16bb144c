import { type IscsiSession, ScsiError, senseKeys } from './iscsi-session.ts'

/** The SCSI commands (SPC-4, SBC-3) by which a host works on the LUNs of a target. */

/** A disk of a target. `address`: how commands name it; `number`: how people and QEMU do. */
export type Disk = { address: Buffer; number: number; blockBytes: number; sizeBytes: number; unmaps: boolean }

/** The most that one command reads or writes, in bytes. */
export const mostAtOnce = 1024 ** 2
/** How much one command lets the target fill with zeros: some allow no more than 65,535 blocks. */
const zeroedAtOnce = 16 * 1024 ** 2

/** The numbers of all LUNs of the target, whatever they are, as commands name them. */
async function addressesOf(session: IscsiSession): Promise<Buffer[]> {
  const reads = 8 + 8 * 16_384
  const cdb = Buffer.alloc(16)
  cdb[0] = 0xa0
  cdb.writeUInt32BE(reads, 6)
  const found = await session.run({ lun: Buffer.alloc(8), cdb, reads })
  const count = found.length >= 8 ? Math.min(found.readUInt32BE(0), found.length - 8) / 8 : 0
  return Array.from({ length: Math.floor(count) }, (_, at) =>
    Buffer.from(found.subarray(8 + at * 8, 16 + at * 8)),
  )
}

/** All disks of the target, in the order of their numbers. */
export async function disksOf(session: IscsiSession): Promise<Disk[]> {
  const disks: Disk[] = []
  for (const address of await addressesOf(session)) {
    // LUNs of several levels, and of more than 14 bits, are no disks that QEMU opens.
    const isFlat = (address[0] ?? 0) >> 6 <= 1 && address.subarray(2).every((byte) => byte === 0)
    if (isFlat && (await isDisk(session, address))) disks.push(await diskAt(session, address))
  }
  disks.sort((a, b) => a.number - b.number)
  // A LUN that is told in both ways of addressing is one LUN.
  return disks.filter(({ number }, at) => disks[at - 1]?.number !== number)
}

/** A target has also LUNs that are no disks, by which it is managed. */
async function isDisk(session: IscsiSession, lun: Buffer): Promise<boolean> {
  const cdb = Buffer.alloc(16)
  cdb.writeUInt16BE(36, 3)
  cdb[0] = 0x12
  return (await session.run({ lun, cdb, reads: 36 }))[0] === 0
}

async function diskAt(session: IscsiSession, address: Buffer): Promise<Disk> {
  const cdb = Buffer.alloc(16)
  cdb.set([0x9e, 0x10])
  cdb.writeUInt32BE(32, 10)
  const found = await session.run({ lun: address, cdb, reads: 32 })
  const blockBytes = found.readUInt32BE(8)
  return {
    ...{ address, number: address.readUInt16BE(0) & 0x3fff, blockBytes },
    sizeBytes: (Number(found.readBigUInt64BE(0)) + 1) * blockBytes,
    // What is unmapped reads as zeros only where the target says so.
    unmaps: ((found[14] ?? 0) & 0xc0) === 0xc0,
  }
}

/** A command of 16 bytes for a range of whole blocks. */
function ofRange(code: number, { blockBytes }: Disk, at: number, length: number): Buffer {
  const cdb = Buffer.alloc(16)
  cdb[0] = code
  cdb.writeBigUInt64BE(BigInt(at / blockBytes), 2)
  cdb.writeUInt32BE(length / blockBytes, 10)
  return cdb
}

/** Reads a range that begins and ends with a block. */
export async function read(
  session: IscsiSession,
  disk: Disk,
  at: number,
  length: number,
): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = []
  for (let done = 0; done < length; done += mostAtOnce) {
    const reads = Math.min(mostAtOnce, length - done)
    parts.push(await session.run({ lun: disk.address, cdb: ofRange(0x88, disk, at + done, reads), reads }))
  }
  return Buffer.concat(parts, length)
}

/** Writes a range that begins and ends with a block. */
export async function write(session: IscsiSession, disk: Disk, at: number, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; done += mostAtOnce) {
    const writes = bytes.subarray(done, done + mostAtOnce)
    const cdb = ofRange(0x8a, disk, at + done, writes.length)
    await session.run({ lun: disk.address, cdb, writes })
  }
}

/**
 * How many bytes from there on the target has never stored, so that they are zeros: it says so of thin LUNs (GET LBA STATUS).
 * 0 where it has stored something, or does not say.
 */
export async function unstoredAt(session: IscsiSession, disk: Disk, at: number): Promise<number> {
  if (!disk.unmaps) return 0
  const cdb = Buffer.alloc(16)
  cdb.set([0x9e, 0x12])
  cdb.writeBigUInt64BE(BigInt(at / disk.blockBytes), 2)
  cdb.writeUInt32BE(24, 10)
  try {
    const found = await session.run({ lun: disk.address, cdb, reads: 24 })
    if (found.length < 24) return 0
    const begin = Number(found.readBigUInt64BE(8)) * disk.blockBytes
    const end = begin + found.readUInt32BE(16) * disk.blockBytes
    const isUnstored = ((found[20] ?? 0) & 0x0f) === 1
    return isUnstored && begin <= at ? Math.max(0, end - at) : 0
  } catch (error) {
    if (error instanceof ScsiError && error.key === senseKeys.illegalRequest) return 0
    throw error
  }
}

const shortCommand = (code: number): Buffer => Buffer.concat([Buffer.from([code])], 16)
const flushing = shortCommand(0x35)

/**
 * Writes one block, safely on the disk, if the block contains what is expected; returns whether it did. No other session
 * writes meanwhile when the LUN is reserved, or when the caller knows that nobody else would.
 */
export async function exchange(
  session: IscsiSession,
  disk: Disk,
  at: number,
  { expected, wanted }: { expected: Buffer; wanted: Buffer },
): Promise<boolean> {
  const { address: lun, blockBytes } = disk
  const own = { lun, once: true as const }
  const found = await session.run({ ...own, cdb: ofRange(0x88, disk, at, blockBytes), reads: blockBytes })
  if (!found.equals(expected)) return false
  await session.run({ ...own, cdb: ofRange(0x8a, disk, at, blockBytes), writes: wanted })
  await session.run({ ...own, cdb: flushing })
  return true
}

/**
 * Runs `work` while the target lets no other session read or write the LUN (RESERVE and RELEASE of SPC-2). A reservation ends
 * with its session, so that a host that dies leaves none. Commands of `work` must be told `once`: when something has ended the
 * reservation before its time, the next command hears so and fails.
 */
export async function reserved<T>(
  session: IscsiSession,
  { address: lun }: Disk,
  work: () => Promise<T>,
): Promise<T> {
  await session.run({ lun, cdb: shortCommand(0x16) })
  try {
    return await work()
  } finally {
    await session.run({ lun, cdb: shortCommand(0x17) })
  }
}

/** Makes the target keep what it has only in its memory. */
export async function flush(session: IscsiSession, { address: lun }: Disk): Promise<void> {
  await session.run({ lun, cdb: flushing })
}

/** Fills a range with zeros: the target does so by itself if it can. `onPart` runs now and then, with how far the work is. */
export async function zero(
  session: IscsiSession,
  disk: Disk,
  range: { from: number; to: number },
  onPart: (at: number) => Promise<void>,
): Promise<void> {
  let ways = disk.unmaps ? [0x08, 0, null] : [0, null]
  for (let at = range.from; at < range.to; ) {
    const length = Math.min(zeroedAtOnce, range.to - at)
    const [way] = ways
    try {
      if (way === null || way === undefined) await write(session, disk, at, Buffer.alloc(length))
      else await fill(session, disk, { at, length }, way)
    } catch (error) {
      const isUnknown = error instanceof ScsiError && error.key === senseKeys.illegalRequest
      if (!isUnknown || ways.length === 1) throw error
      ways = ways.slice(1)
      continue
    }
    at += length
    await onPart(at)
  }
}

/** WRITE SAME with one block of zeros. */
async function fill(
  session: IscsiSession,
  disk: Disk,
  { at, length }: { at: number; length: number },
  flags: number,
) {
  const cdb = ofRange(0x93, disk, at, length)
  cdb[1] = flags
  await session.run({ lun: disk.address, cdb, writes: Buffer.alloc(disk.blockBytes) })
}
