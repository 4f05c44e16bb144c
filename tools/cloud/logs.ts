import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { copyFile, open, rename, rm, statfs, truncate } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const limit = 10 * 1024 * 1024
const kept = 5

/** For a process to write to, whoever else ends: a plain file, opened to append. */
export const openLog = (file: string): number => fs.openSync(file, 'a', 0o600)

/**
 * Moves what a log has beyond its limit to `<file>.1`, while a process goes on writing to it: its old
 * blocks are cut out of the front of the file (FALLOC_FL_COLLAPSE_RANGE, ext4 and XFS), which who
 * appends does not notice, and no line is lost. Elsewhere it is emptied after copying; what is written
 * between the two is lost then. Returns whether there was anything to do.
 */
export async function rotate(file: string, maxBytes = limit): Promise<boolean> {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size <= maxBytes) return false
  const { blocks, line } = await copyFront(file)
  try {
    await run('fallocate', ['--collapse-range', '--offset', '0', '--length', String(blocks), file])
  } catch {
    await copyFile(file, `${file}.1`)
    await truncate(file, 0)
    return true
  }
  await blank(file, line - blocks)
  return true
}

/** What is to be cut goes to `<file>.1`, and the older ones one further. A full disk gets its room back. */
async function copyFront(file: string): Promise<{ blocks: number; line: number }> {
  const part = `${file}.part`
  try {
    await copyFile(file, part)
    const front = await endOfFront(part)
    await truncate(part, front.line)
    for (let i = kept - 1; i > 0; i--)
      if (fs.existsSync(`${file}.${i}`)) await rename(`${file}.${i}`, `${file}.${i + 1}`)
    await rename(part, `${file}.1`)
    return front
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** As many whole blocks as there are before the last line, and where the line ends that goes beyond them. */
async function endOfFront(file: string): Promise<{ blocks: number; line: number }> {
  const { bsize } = await statfs(file)
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const last = Math.floor((size - 1) / bsize) * bsize
    for (let blocks = last; blocks > 0; blocks -= bsize) {
      const from = blocks - 1
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bsize + 1), 0, bsize + 1, from)
      const at = buffer.subarray(0, bytesRead).indexOf('\n')
      if (at >= 0) return { blocks, line: from + at + 1 }
    }
    return { blocks: last, line: last } // one line of many megabytes: it is cut
  } finally {
    await handle.close()
  }
}

/** The rest of a line that is in the other file already becomes an empty line. */
async function blank(file: string, bytes: number): Promise<void> {
  if (bytes === 0) return
  const handle = await open(file, 'r+')
  try {
    await handle.write(`${' '.repeat(bytes - 1)}\n`, 0)
  } finally {
    await handle.close()
  }
}

/** Looks at the logs of a folder now and then. Returns what ends it. */
export function keepRotating(dir: string, everyMs = 10_000): () => void {
  let busy = false
  const timer = setInterval(async () => {
    if (busy) return
    busy = true
    try {
      for (const name of fs.readdirSync(dir).filter((one) => one.endsWith('.log')))
        await rotate(`${dir}/${name}`)
    } catch (error) {
      console.error('A log could not be rotated:', error instanceof Error ? error.message : error)
    } finally {
      busy = false
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
