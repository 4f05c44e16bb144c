import { constants } from 'node:fs'
import { type FileHandle, open, truncate } from 'node:fs/promises'
import { execa } from 'execa'
import type { Logger } from 'pino'
import { DriverError } from '../errors.ts'
import type { ConsoleLog } from './interface.ts'

/** How much serial output of a guest is kept, in bytes; the space of older output is returned to the file system. */
export const keptBytes = 4 * 1024 * 1024
const blockBytes = 4096

/**
 * Bounds the disk that a log takes, however much a guest prints: everything but the last
 * `keptBytes` becomes a hole. The length of the file goes on growing, so the position of a byte in
 * the file is the number of bytes ever written before it, nothing is lost between copying and
 * cutting, and a crash in between harms nothing. On a file system without holes the log starts
 * anew instead. `limit` is how much more than `keptBytes` may gather before work is done.
 */
export async function boundLog(path: string, limit: number, log: Logger): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null)
  if (file === null) return
  let size: number
  let usedBytes: number
  try {
    const stat = await file.stat()
    size = stat.size
    usedBytes = stat.blocks * 512
  } finally {
    await file.close()
  }
  if (usedBytes < keptBytes + limit) return
  const length = Math.floor((size - keptBytes) / blockBytes) * blockBytes
  if (length <= 0) return
  try {
    await execa('fallocate', ['--punch-hole', '--offset', '0', '--length', String(length), path], {
      timeout: 30_000,
    })
  } catch (error) {
    log.warn({ err: error, path }, 'the file system cannot drop the start of a log: it begins anew')
    await truncate(path, 0)
  }
}

/**
 * Reads a log as the interface describes; without an offset the end of the log, at most maxBytes. A
 * character of which only some bytes are written yet is left to the next call.
 */
export async function readSerialLog(
  path: string,
  options: { offset?: number; maxBytes: number; tailLines?: number },
): Promise<ConsoleLog> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { text: '', offset: 0, next: 0 }
    throw new DriverError('failed', 'The serial log cannot be read.', { cause: error })
  }
  try {
    const end = (await file.stat()).size
    const first = Math.max(0, end - keptBytes)
    const maxBytes = Math.min(Math.max(1, options.maxBytes), keptBytes)
    // An offset beyond the end belongs to an earlier log, before the log began anew.
    const wanted = options.offset !== undefined && options.offset <= end ? options.offset : 0
    const from = options.offset === undefined ? Math.max(first, end - maxBytes) : Math.max(first, wanted)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(maxBytes, end - from)), 0, null, from)
    let bytes: Buffer = buffer.subarray(0, bytesRead)
    bytes = bytes.subarray(0, bytes.length - unfinished(bytes))
    const next = from + bytes.length
    if (options.tailLines !== undefined) bytes = lastLines(bytes, options.tailLines)
    return { text: bytes.toString('utf8'), offset: next - bytes.length, next }
  } finally {
    await file.close()
  }
}

/** Number of bytes of an incomplete UTF-8 character at the end; 0 when there is none, or when there is nothing else. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

/** The last `count` lines; a line break at the very end begins no line. */
function lastLines(bytes: Buffer, count: number): Buffer {
  let from = bytes.length
  for (let line = 0; line < count; line += 1) {
    if (from < 2) return bytes
    const at = bytes.lastIndexOf(10, from - 2)
    if (at < 0) return bytes
    from = at + 1
  }
  return bytes.subarray(from)
}
