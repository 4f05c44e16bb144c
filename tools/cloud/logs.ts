import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { open, rename, rm, statfs, truncate } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const limit = 10 * 1024 * 1024
const kept = 5
const chunkBytes = 1024 * 1024

/** Opens a log for a process: a plain file, opened to append, which does not depend on another process. */
export const openLog = (file: string): number => fs.openSync(file, 'a', 0o600)

export type Rotated = {
  /** How many older files were made. */
  moved: number
  /** Whether the log had holes: a process can make its log any length without writing. */
  stretched: boolean
  /** How many bytes in the middle were dropped, because the older files have no room for them. */
  left: number
}

/**
 * Moves the part of a log beyond its limit to `<file>.1`, while a process goes on writing: the old
 * blocks are cut out of the front of the file (FALLOC_FL_COLLAPSE_RANGE, ext4 and XFS), which a process that
 * appends does not notice, and no line is lost. On other file systems the log is emptied after copying, and lines that
 * are written in between are lost.
 *
 * The length is not trusted, because the writing process may have been taken over. So an older file takes at most twice
 * the limit, a longer log becomes several files, and of a log that is longer than all of them together the
 * beginning and the end are kept. Holes, which read as zeros, are not copied.
 */
export async function rotate(file: string, maxBytes = limit): Promise<Rotated> {
  const most = 2 * maxBytes
  const done: Rotated = { moved: 0, stretched: false, left: 0 }
  for (let i = 0; i < kept && sizeOf(file) > maxBytes; i++) {
    const size = sizeOf(file)
    const tooLong = i === 0 && size > kept * most
    const { blocks, line } = await endOfFront(file, Math.min(size, most), tooLong)
    const copied = await copyOut(file, 0, line, done)
    if (!(await collapse(file, blocks))) {
      await beginAnew(file, most, copied, done)
      break
    }
    await blank(file, line - blocks)
    if (tooLong) done.left = await cutAway(file, sizeOf(file) - (kept - 1) * most)
  }
  return done
}

const sizeOf = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0

const collapse = (file: string, bytes: number): Promise<boolean> =>
  run('fallocate', ['--collapse-range', '--offset', '0', '--length', String(bytes), file]).then(
    () => true,
    () => false,
  )

/** Drops whole blocks at the front of the file; returns how many bytes were dropped. */
async function cutAway(file: string, bytes: number): Promise<number> {
  const { bsize } = await statfs(file)
  const blocks = Math.floor(bytes / bsize) * bsize
  return blocks > 0 && (await collapse(file, blocks)) ? blocks : 0
}

/** On file systems that cannot cut: copies the end of the log to `<file>.1`, in place of its front, and empties the log. */
async function beginAnew(file: string, most: number, copied: boolean, done: Rotated): Promise<void> {
  const size = sizeOf(file)
  const from = Math.max(0, size - most)
  done.left += from
  if (copied) await copyInto(file, from, size, `${file}.1`, done)
  else await copyOut(file, from, size, done)
  await truncate(file, 0)
}

/**
 * Copies a part of the log to `<file>.1` and renames the older files. A failed copy is removed, so that a full disk gets
 * its space back. Returns false when the part has only holes.
 */
async function copyOut(file: string, from: number, to: number, done: Rotated): Promise<boolean> {
  const part = `${file}.part`
  try {
    const written = await copyInto(file, from, to, part, done)
    if (written === 0) {
      await rm(part)
      return false
    }
    for (let i = kept - 1; i > 0; i--)
      if (fs.existsSync(`${file}.${i}`)) await rename(`${file}.${i}`, `${file}.${i + 1}`)
    await rename(part, `${file}.1`)
    done.moved += 1
    return true
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

const zeros = Buffer.alloc(chunkBytes)
function withoutZeros(bytes: Buffer): Uint8Array {
  if (!bytes.includes(0)) return bytes
  return bytes.equals(zeros.subarray(0, bytes.length)) ? Buffer.alloc(0) : bytes.filter((byte) => byte !== 0)
}

/** Copies a part of a log without zeros (text has none, so they are holes); returns how many bytes were written. */
async function copyInto(
  file: string,
  from: number,
  to: number,
  target: string,
  done: Rotated,
): Promise<number> {
  await rm(target, { force: true })
  const [source, copy] = [await open(file, 'r'), await open(target, 'wx', 0o600)]
  let written = 0
  try {
    for (let at = from; at < to; ) {
      const { buffer, bytesRead } = await source.read(
        Buffer.alloc(chunkBytes),
        0,
        Math.min(chunkBytes, to - at),
        at,
      )
      if (bytesRead === 0) break
      at += bytesRead
      const read = buffer.subarray(0, bytesRead)
      const text = withoutZeros(read)
      done.stretched ||= text.length < read.length
      if (text.length > 0) await copy.write(text)
      written += text.length
    }
    return written
  } finally {
    await source.close()
    await copy.close()
  }
}

/**
 * The whole blocks (in bytes) before the last line end in the first `bytes`, and the end of the line that goes beyond
 * them. With `cut`, when the following bytes are dropped, all blocks.
 */
async function endOfFront(
  file: string,
  bytes: number,
  cut: boolean,
): Promise<{ blocks: number; line: number }> {
  const { bsize } = await statfs(file)
  const handle = await open(file, 'r')
  try {
    const last = Math.floor((bytes - 1) / bsize) * bsize
    for (let blocks = cut ? 0 : last; blocks > 0; blocks -= bsize) {
      const from = blocks - 1
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bsize + 1), 0, bsize + 1, from)
      const at = buffer.subarray(0, bytesRead).indexOf('\n')
      if (at >= 0) return { blocks, line: from + at + 1 }
    }
    return { blocks: last, line: last } // A single line of many megabytes is cut.
  } finally {
    await handle.close()
  }
}

/** Replaces the rest of a line that is in the older file already by an empty line. */
async function blank(file: string, bytes: number): Promise<void> {
  if (bytes === 0) return
  const handle = await open(file, 'r+')
  try {
    await handle.write(`${' '.repeat(bytes - 1)}\n`, 0)
  } finally {
    await handle.close()
  }
}

/** Rotates the logs of a folder from time to time; a slow rotation does not hold up the others. Returns the function that ends this. */
export function keepRotating(dir: string, everyMs = 10_000): () => void {
  const busy = new Set<string>()
  const look = async (name: string) => {
    if (busy.has(name)) return
    busy.add(name)
    try {
      tell(name, await rotate(`${dir}/${name}`))
    } catch (error) {
      console.error(`${name} could not be rotated:`, error instanceof Error ? error.message : error)
    } finally {
      busy.delete(name)
    }
  }
  const timer = setInterval(() => {
    for (const name of namesIn(dir)) void look(name)
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir).filter((one) => one.endsWith('.log'))
  } catch (error) {
    console.error('The logs could not be rotated:', error instanceof Error ? error.message : error)
    return []
  }
}

function tell(name: string, { stretched, left }: Rotated): void {
  if (stretched)
    console.error(
      `${name} was longer than what was written to it. Our processes never do that: this one may have been taken over.`,
    )
  else if (left > 0)
    console.error(
      `${name} had more than its older files hold: ${(left / 1024 ** 2).toFixed(1)} MiB of its middle are gone.`,
    )
}

/** The last lines of a log of any length. */
export function tailOf(file: string, lines = 15): string {
  const size = sizeOf(file)
  const bytes = Buffer.alloc(Math.min(size, 64 * 1024))
  if (bytes.length === 0) return ''
  const handle = fs.openSync(file, 'r')
  try {
    const read = fs.readSync(handle, bytes, 0, bytes.length, size - bytes.length)
    return bytes.subarray(0, read).toString('utf8').replaceAll('\0', '').split('\n').slice(-lines).join('\n')
  } finally {
    fs.closeSync(handle)
  }
}
