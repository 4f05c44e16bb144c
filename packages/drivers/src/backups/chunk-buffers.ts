import { pieceBytes } from './piece.ts'

/** How many chunks of one backup are in memory at once: some are read and hashed while others are on their way to the store. */
const most = 16

/**
 * The memory of one backup or restore for its chunks and pieces. It is shared, so that a thread can hash a chunk without a copy, and it
 * is used again and again, because new memory costs more than the copy of what is put into it.
 */
export function createChunkBuffers() {
  const free: Buffer[] = []
  const waiting: ((buffer: Buffer) => void)[] = []
  let made = 0
  return {
    /** Memory for one chunk or one piece, as soon as there is some. */
    async take(): Promise<Buffer> {
      const buffer = free.pop()
      if (buffer) return buffer
      if (made >= most) return new Promise((resolve) => waiting.push(resolve))
      made += 1
      return Buffer.from(new SharedArrayBuffer(pieceBytes))
    },
    give(buffer: Buffer): void {
      const next = waiting.shift()
      if (next) next(buffer)
      else free.push(buffer)
    },
  }
}
