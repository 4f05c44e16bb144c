import crypto from 'node:crypto'
import fs from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder } from './format.ts'

const chunkBytes = 1024 * 1024
const zeros = Buffer.alloc(chunkBytes)

export type Copied = { sizeBytes: number; sha256: string }

/**
 * Copies a regular file (never through a link) with its holes and returns its hash and size. The target
 * (0600) appears complete and on disk, by rename; with `wanted` only if the bytes have this SHA-256.
 * The folder may belong to another user, who can put a link there meanwhile: so the draft is changed
 * by its descriptor and never by its name. The length of the source is not trusted, because it may be an endless hole.
 */
export async function copyFile(
  source: string,
  target: string,
  options: {
    /** Called with the number of stored bytes, without holes. */
    onBytes?: (bytes: number) => void
    /** The offset at which the copy begins. */
    from?: number
    /** The largest size in bytes; more raises TooLong. */
    most?: number | null
    mode?: number
    wanted?: string
    owner?: { uid: number; gid: number }
  } = {},
): Promise<Copied> {
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 })
  const draft = `${target}.part`
  await rm(draft, { force: true })
  const from = await open(source, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  try {
    if (!(await from.stat()).isFile()) throw new Error(`${source} is no file.`)
    const to = await open(draft, 'wx', options.mode ?? 0o600)
    try {
      const hash = crypto.createHash('sha256')
      const chunk = Buffer.allocUnsafe(chunkBytes)
      const first = options.from ?? 0
      let at = 0
      for (;;) {
        refuseLonger(source, (await from.stat()).size - first, options.most)
        const { bytesRead } = await from.read(chunk, 0, chunkBytes, first + at)
        if (bytesRead === 0) break
        const bytes = chunk.subarray(0, bytesRead)
        hash.update(bytes)
        if (!bytes.equals(zeros.subarray(0, bytesRead))) {
          await to.write(bytes, 0, bytesRead, at)
          options.onBytes?.(bytesRead)
        }
        at += bytesRead
      }
      await to.truncate(at)
      if (options.owner) await to.chown(options.owner.uid, options.owner.gid)
      await to.sync()
      const sha256 = hash.digest('hex')
      if (options.wanted !== undefined && options.wanted !== sha256)
        throw new Damaged(`${source} holds other bytes than it should.`)
      await rename(draft, target)
      syncFolder(path.dirname(target))
      return { sizeBytes: at, sha256 }
    } finally {
      await to.close()
    }
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  } finally {
    await from.close()
  }
}

export class Damaged extends Error {}
/** Raised for a file that is longer than an honest one can be, because somebody who may write to it has stretched it. */
export class TooLong extends Error {}

export function refuseLonger(file: string, bytes: number, most: number | null | undefined): void {
  if (typeof most === 'number' && bytes > most)
    throw new TooLong(
      `${file} is ${inWords(bytes)} long and can be ${inWords(most)} at most: the guest’s QEMU has stretched it and may have been taken over.`,
    )
}

/** Hashes a file, never through a link. */
export async function hashFile(file: string, onBytes?: (bytes: number) => void): Promise<Copied> {
  const hash = crypto.createHash('sha256')
  let sizeBytes = 0
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  for await (const chunk of fs.createReadStream('', { fd, highWaterMark: chunkBytes })) {
    hash.update(chunk as Buffer)
    sizeBytes += (chunk as Buffer).length
    onBytes?.((chunk as Buffer).length)
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** A text that changes with every write to the file; null when there is no file. */
export function stampOf(file: string): string | null {
  const stat = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })
  return stat?.isFile() ? `${stat.ino}.${stat.size}.${stat.mtimeNs}.${stat.ctimeNs}` : null
}

/** The bytes that the file takes on its disk; 0 when there is no file. */
export const usedBytes = (file: string): number =>
  (fs.statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512

/** The free bytes on the file system of `dir`. */
export function freeBytes(dir: string): number {
  const { bavail, bsize } = fs.statfsSync(dir)
  return bavail * bsize
}

export const inWords = (bytes: number): string =>
  bytes < 1024 ** 3 ? `${(bytes / 1024 ** 2).toFixed(1)} MiB` : `${(bytes / 1024 ** 3).toFixed(2)} GiB`

/** The place of the base's name in a qcow2: an offset (bytes 8–15 of the header) and a length (bytes 16–19); null when there is none. */
function backingPlace(handle: number): { offset: number; length: number } | null {
  const header = Buffer.alloc(20)
  fs.readSync(handle, header, 0, 20, 0)
  const offset = Number(header.readBigUInt64BE(8))
  const length = header.readUInt32BE(16)
  return header.readUInt32BE(0) === 0x514649fb && offset > 0 && offset < 65_536 && length <= 1023
    ? { offset, length }
    : null
}

/**
 * Writes into a disk the path that its base has on this machine. The path replaces the old one, at the end of the
 * header's cluster where nothing follows, so that no tool has to parse a file that a guest's QEMU wrote.
 */
export function nameBase(disk: string, base: string): void {
  const handle = fs.openSync(disk, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW)
  try {
    const place = backingPlace(handle)
    const name = Buffer.from(base, 'utf8')
    if (!place || name.length > 1023 || place.offset + name.length > 65_536)
      throw new Error(`${disk} names no base, so it cannot be given one.`)
    const length = Math.max(place.length, name.length)
    const after = Buffer.alloc(length)
    fs.readSync(handle, after, 0, length, place.offset)
    if (after.subarray(place.length).some((byte) => byte !== 0))
      throw new Error(`${disk} has no room for the name of its base.`)
    fs.writeSync(handle, Buffer.concat([name], length), 0, length, place.offset)
    const size = Buffer.alloc(4)
    size.writeUInt32BE(name.length)
    fs.writeSync(handle, size, 0, 4, 16)
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}
