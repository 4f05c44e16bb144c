import { type FileHandle, open } from 'node:fs/promises'
import { DriverError } from '../errors.ts'

/**
 * What has changed between two snapshots of an image, as `rbd export-diff` writes it (doc/dev/rbd-diff.rst of Ceph, version 1):
 * a line, the names of the snapshots (f, t), the size (s), and pieces of the image that have data (w) or read as zeros (z).
 */
const magic = 'rbd diff v1\n'

/** `from` is the place in the file; null for zeros. */
export type Piece = { at: number; length: number; from: number | null }

/** The pieces of the file, in order of their places in the image. Zeros next to each other are one piece: a volume may have millions. */
export async function piecesIn(file: FileHandle, name: string): Promise<Piece[]> {
  const damaged = () => new DriverError('failed', `${name} is not whole.`)
  const read = async (place: number, length: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, place)
    if (bytesRead !== length) throw damaged()
    return buffer
  }
  const number = (bytes: Buffer, place: number): number => {
    const value = bytes.readBigUInt64LE(place)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged()
    return Number(value)
  }
  if ((await read(0, magic.length)).toString('latin1') !== magic) throw damaged()
  const pieces: Piece[] = []
  for (let place = magic.length; ; ) {
    const kind = (await read(place, 1)).toString('latin1')
    place += 1
    if (kind === 'e') break
    if (kind === 'f' || kind === 't') place += 4 + (await read(place, 4)).readUInt32LE(0)
    else if (kind === 's') place += 8
    else if (kind === 'w' || kind === 'z') {
      const head = await read(place, 16)
      const [at, length] = [number(head, 0), number(head, 8)]
      place += 16
      const last = pieces.at(-1)
      if (kind === 'z' && last?.from === null && last.at + last.length === at) last.length += length
      else pieces.push({ at, length, from: kind === 'w' ? place : null })
      if (kind === 'w') place += length
    } else throw damaged()
  }
  return pieces.sort((a, b) => a.at - b.at)
}

export type Diff = {
  hasChanged(at: number, length: number): boolean
  /** Null for zeros. Raises `failed` when a part of the range has not changed, so that the file does not have it. */
  read(at: number, length: number): Promise<Buffer<ArrayBuffer> | null>
  close(): Promise<void>
}

/** Opens such a file. `sizeBefore`: the size of the image at the earlier snapshot. What lies behind it was zeros. */
export async function openDiff(name: string, sizeBefore: number): Promise<Diff> {
  const file = await open(name, 'r')
  const pieces = await piecesIn(file, name).catch(async (error: unknown) => {
    await file.close()
    throw error
  })
  const within = (at: number, length: number): Piece[] => {
    let [low, high] = [0, pieces.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const piece = pieces[middle]
      if (piece && piece.at + piece.length <= at) low = middle + 1
      else high = middle
    }
    const found: Piece[] = []
    for (let n = low; n < pieces.length; n += 1) {
      const piece = pieces[n]
      if (!piece || piece.at >= at + length) break
      found.push(piece)
    }
    return found
  }
  return {
    hasChanged: (at, length) => within(at, length).length > 0,
    async read(at, length) {
      const bytes = Buffer.alloc(length)
      let known = at
      let isZero = true
      for (const piece of within(at, length)) {
        if (piece.at > known && known < sizeBefore) break
        const [begin, end] = [Math.max(at, piece.at), Math.min(at + length, piece.at + piece.length)]
        known = end
        if (piece.from === null) continue
        isZero = false
        for (let place = begin; place < end; ) {
          const source = piece.from + place - piece.at
          const { bytesRead } = await file.read(bytes, place - at, end - place, source)
          if (bytesRead === 0) throw new DriverError('failed', `${name} is too short.`)
          place += bytesRead
        }
      }
      if (known < Math.min(at + length, sizeBefore))
        throw new DriverError('failed', `What the volume has from byte ${known} on was not brought here.`)
      return isZero ? null : bytes
    },
    close: () => file.close(),
  }
}
