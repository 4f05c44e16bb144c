import crypto from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type HashJob, openHashJob } from './hash-threads.ts'

/** The size of a block in bytes. Small chunks are gathered into blocks, so that a file costs few messages and writes. */
const blockBytes = 1024 * 1024
/** The number of blocks in memory for each file: some are hashed and written while the next is filled. */
const blocksAhead = 4

export type Hashes = { md5: string; sha256: string; sha512: string }
export type HashingSink = {
  /** Resolves when there is room for more bytes. */
  write: (chunk: Uint8Array) => Promise<void>
  finish: () => Promise<Hashes>
  /** Gives the file up; resolves when no write or hash of it is under way any more. */
  abort: () => Promise<void>
}
type Block = { memory: SharedArrayBuffer; bytes: Uint8Array }

/**
 * Writes a file from its beginning and hashes it meanwhile. Three hashes of one GiB take 6 s of a processor, and
 * the write takes 1 s: so two threads hash, and the event loop only passes bytes on. Files of less than a block are
 * hashed here.
 */
export function hashingSink(handle: FileHandle): HashingSink {
  const free: Block[] = []
  const busy = new Set<Promise<void>>()
  let made = 0
  let job: HashJob | null = null
  let failure: unknown = null
  let current: Block | null = null
  let filled = 0
  let position = 0

  const take = async (): Promise<Block> => {
    if (free.length === 0 && made >= blocksAhead) await Promise.race(busy)
    const block = free.pop()
    if (block) return block
    made += 1
    const memory = new SharedArrayBuffer(blockBytes)
    return { memory, bytes: new Uint8Array(memory) }
  }
  const flush = (block: Block, length: number): void => {
    job ??= openHashJob()
    const work = Promise.all([
      writeAll(handle, block.bytes, length, position),
      job.update(block.memory, length),
    ])
      .catch((error: unknown) => {
        failure ??= error
      })
      .then(() => {
        busy.delete(work)
        free.push(block)
      })
    busy.add(work)
    position += length
  }
  const settled = async () => void (await Promise.all(busy))
  return {
    async write(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (failure !== null) throw failure
        current ??= await take()
        const part = chunk.subarray(at, at + blockBytes - filled)
        current.bytes.set(part, filled)
        filled += part.length
        at += part.length
        if (filled < blockBytes) return
        flush(current, filled)
        current = null
        filled = 0
      }
    },
    async finish() {
      if (job === null) return small(handle, current?.bytes.subarray(0, filled) ?? new Uint8Array())
      if (current && filled > 0) flush(current, filled)
      await settled()
      if (failure !== null) throw failure
      const { md5 = '', sha256 = '', sha512 = '' } = await job.digest()
      job.close()
      return { md5, sha256, sha512 }
    },
    async abort() {
      await settled()
      job?.close()
    },
  }
}

async function small(handle: FileHandle, bytes: Uint8Array): Promise<Hashes> {
  await writeAll(handle, bytes, bytes.length, 0)
  const of = (algorithm: keyof Hashes) => crypto.createHash(algorithm).update(bytes).digest('hex')
  return { md5: of('md5'), sha256: of('sha256'), sha512: of('sha512') }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, length: number, from: number): Promise<void> {
  for (let at = 0; at < length; ) at += (await handle.write(bytes, at, length - at, from + at)).bytesWritten
}
