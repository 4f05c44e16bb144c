import type { FileHandle } from 'node:fs/promises'
import { DriverError } from '../errors.ts'

/**
 * Where a qcow2 layer of ours has its data: QEMU's docs/interop/qcow2.txt, for the little that our layers use of the
 * format: version 3, clusters of 64 KiB, no compression, no snapshots, no file of its own for the data. The guest may have written
 * anything into the tables, so nothing is believed: an entry can only name another place in the same file.
 */

/** A part of a layer: `from` is the place of the bytes in the file; null when the layer says that they are zeros. */
export type LayerPart = { at: number; length: number; from: number | null }

const headerBytes = 104
const magic = 0x514649fb
/** The incompatible features that a layer of ours may have: that it was not closed, and that QEMU found it damaged. */
const harmlessFeatures = 0b11n
const clusterBits = 16
const cluster = 1 << clusterBits
/** How many clusters a table of the second level names: entries of 8 bytes in one cluster. */
const entries = cluster / 8
/** Bits 9 to 55 of an entry of either level are a place in the file. */
const placeBits = 0x00fffffffffffe00n
const compressedBit = 1n << 62n
const zeroBit = 1n

/**
 * Reads and checks the header. Raises `failed` unless it is one that we could have made: above all one that names another
 * file as the place of the data is refused.
 */
export async function readHeader(
  handle: FileHandle,
  file: string,
): Promise<{ sizeBytes: bigint; clusterBits: number; tableAt: number; tableEntries: number }> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
  const bad = (what: string) => new DriverError('failed', `The layer ${file} has ${what}.`)
  if (bytesRead < headerBytes || buffer.readUInt32BE(0) !== magic) throw bad('no header of a qcow2')
  if (buffer.readUInt32BE(4) !== 3) throw bad('a header of another version')
  if ((buffer.readBigUInt64BE(72) & ~harmlessFeatures) !== 0n)
    throw bad('a header with features that our layers do not have')
  return {
    sizeBytes: buffer.readBigUInt64BE(24),
    clusterBits: buffer.readUInt32BE(20),
    tableAt: Number(buffer.readBigUInt64BE(40) & placeBits),
    tableEntries: buffer.readUInt32BE(36),
  }
}

/**
 * Returns a function that says which parts of a range the layer has, in order; what it leaves out is in the layers below.
 * `sizeBytes` is the size of the volume, which bounds the tables. Raises `failed` for a layer that we could not have made.
 */
export async function qcow2Parts(
  handle: FileHandle,
  file: string,
  sizeBytes: number,
): Promise<(at: number, length: number) => Promise<LayerPart[]>> {
  const header = await readHeader(handle, file)
  if (header.clusterBits !== clusterBits)
    throw new DriverError('failed', `The layer ${file} has clusters of another size.`)
  const count = Math.min(header.tableEntries, Math.ceil(sizeBytes / (cluster * entries)))
  const first = await table(handle, header.tableAt, count * 8)
  let known: { index: number; second: Buffer | null } | null = null
  const secondOf = async (index: number): Promise<Buffer | null> => {
    if (known?.index === index) return known.second
    const place = index < count ? Number(first.readBigUInt64BE(index * 8) & placeBits) : 0
    known = { index, second: place === 0 ? null : await table(handle, place, cluster) }
    return known.second
  }
  const placeOf = (second: Buffer, index: number): number | null | 'below' => {
    const entry = second.readBigUInt64BE((index % entries) * 8)
    if ((entry & compressedBit) !== 0n)
      throw new DriverError('failed', `The layer ${file} has compressed clusters.`)
    if ((entry & zeroBit) !== 0n) return null
    return (entry & placeBits) === 0n ? 'below' : Number(entry & placeBits)
  }
  return async (at, length) => {
    const found: LayerPart[] = []
    const end = at + length
    for (let index = Math.floor(at / cluster); index * cluster < end; index += 1) {
      const second = await secondOf(Math.floor(index / entries))
      if (!second) {
        // The table that is missing names this many clusters.
        index = (Math.floor(index / entries) + 1) * entries - 1
        continue
      }
      const place = placeOf(second, index)
      if (place === 'below') continue
      const begin = Math.max(at, index * cluster)
      const part = { at: begin, length: Math.min(end, (index + 1) * cluster) - begin }
      push(found, { ...part, from: place === null ? null : place + (begin % cluster) })
    }
    return found
  }
}

/** Adds a part, joined with the last one when both are one piece. */
function push(parts: LayerPart[], part: LayerPart): void {
  const last = parts.at(-1)
  const follows =
    last?.at !== undefined &&
    last.at + last.length === part.at &&
    (last.from === null ? part.from === null : last.from + last.length === part.from)
  if (last && follows) last.length += part.length
  else parts.push({ ...part })
}

/** Reads a table; what lies behind the end of the file is zeros. */
async function table(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  await handle.read(buffer, 0, length, at)
  return buffer
}
