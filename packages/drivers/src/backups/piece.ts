import { webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { DriverError } from '../errors.ts'
import { sha256OnThread } from '../storage/hash-threads.ts'
import { chunkBytes } from './index-file.ts'

/** The largest piece. */
export const pieceBytes = 1 + chunkBytes
/** How the bytes of a chunk are stored: a byte that says how, and the bytes, compressed when that makes them smaller. */
const stored = 0
const compressed = 1

const compress = promisify(zlib.zstdCompress)
const decompress = promisify(zlib.zstdDecompress)
/** The fastest level: a backup is to be about as fast as the disk. */
const options = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }
/** A part of each chunk that is tried first: what is compressed or encrypted already does not become smaller. */
const tried = 64 * 1024

/**
 * The SHA-256 of these bytes in base64. The caller must not change them meanwhile. Shared memory is hashed by a thread that
 * sees it; other bytes are copied for that.
 */
export async function hashOf({ buffer, byteOffset, length }: Buffer): Promise<string> {
  if (buffer instanceof SharedArrayBuffer)
    return Buffer.from(await sha256OnThread(buffer, byteOffset, length), 'hex').toString('base64')
  const bytes = new Uint8Array(buffer, byteOffset, length)
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('base64')
}

/** The parts of a piece with these bytes. */
export async function packed(bytes: Buffer): Promise<Buffer[]> {
  if (await shrinks(bytes.subarray(0, tried))) {
    const small = await compress(bytes, options)
    if (small.length < bytes.length) return [Buffer.of(compressed), small]
  }
  return [Buffer.of(stored), bytes]
}

const shrinks = async (bytes: Buffer): Promise<boolean> =>
  (await compress(bytes, options)).length < bytes.length * 0.95

/** The bytes of a chunk; `name` is for the error. Raises `failed` unless they have that hash. */
export async function unpacked(piece: Buffer, hash: string, name: string): Promise<Buffer> {
  const damaged = (cause?: unknown) =>
    new DriverError('failed', `The piece ${name} of the backup is damaged.`, { cause })
  const body = piece.subarray(1)
  const bytes =
    piece[0] === compressed
      ? await decompress(body, { maxOutputLength: chunkBytes }).catch((error: unknown) => {
          throw damaged(error)
        })
      : body
  if ((await hashOf(bytes)) !== hash) throw damaged()
  return bytes
}
