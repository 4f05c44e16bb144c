import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DriverError } from '../errors.ts'

/**
 * What a LUN says of itself, in its first MiB, so that a restored database, another host and an administrator with a hex
 * editor see the same truth. The volume begins behind the first MiB: the mark stays where it is when a LUN is made larger.
 * There are two slots of one block each. The mark with the higher number holds, and the next mark is written into the other
 * slot, so that a write that was cut off leaves the mark before.
 */
const ownerSchema = z.object({
  host: z.string(),
  /** The guest that has the volume; or the backup for which the volume stays as it is; neither while one call lasts. */
  guest: z.string().optional(),
  backup: z.string().optional(),
})

const markSchema = z.object({
  number: z.int().min(1),
  pool: z.string(),
  /**
   * `free`: all that is behind the mark is zeros up to the byte `at`. `wiping`: it is being made so, and is so up to `at`.
   * `making`: a volume gets its content. `volume`: a whole volume.
   */
  state: z.enum(['free', 'wiping', 'making', 'volume']),
  id: z.string().optional(),
  sizeBytes: z.int().min(0).optional(),
  /** New contents of a volume come on another LUN: of two whole volumes with one id, the higher one holds. */
  edition: z.int().min(1).optional(),
  /** Of which move the volume is the copy, until a guest gets the volume. */
  copyId: z.string().optional(),
  /**
   * Up to where the LUN was wiped before anything else of ours was written there. A storage that makes a LUN larger may give it
   * what others have left, so that everything behind is wiped before somebody reads it.
   */
  at: z.int().min(0).optional(),
  /** Who alone may change the LUN. */
  by: ownerSchema.optional(),
})
export type Mark = z.output<typeof markSchema>

const magic = Buffer.from('STRATOLITH LUN 1')
const sumBytes = 32
const textAt = magic.length + sumBytes
const sumOf = (text: Buffer): Buffer => createHash('sha256').update(text).digest()

/** Where the slots begin, in bytes. The first block stays empty, so that no system takes the mark for a table of partitions. */
export const slots = [4096, 8192] as const
/** How much of a LUN is read to find its mark: both slots, with blocks of any size. */
export const markBytes = 16_384
/** Where the volume begins. */
export const volumeAt = 1024 ** 2

/** The block with a mark. Raises `invalid` when the mark does not fit, because of a very long name of a host. */
export function blockOf(mark: Mark, blockBytes: number): Buffer {
  const text = Buffer.from(JSON.stringify(markSchema.parse(mark)))
  if (textAt + text.length > blockBytes)
    throw new DriverError(
      'invalid',
      `The name of the host ${mark.by?.host} is too long for a volume on a LUN.`,
    )
  return Buffer.concat([magic, sumOf(text), text], blockBytes)
}

/** The mark in a block; null when there is none, or one of another version, or one that is damaged. */
export function markIn(block: Buffer): Mark | null {
  if (!block.subarray(0, magic.length).equals(magic)) return null
  const end = block.indexOf(0, textAt)
  const text = block.subarray(textAt, end === -1 ? block.length : end)
  if (!sumOf(text).equals(block.subarray(magic.length, textAt))) return null
  return markSchema.safeParse(JSON.parse(text.toString())).data ?? null
}

/** The mark that holds, and the slot for the next one with what it contains now. `begin`: the first bytes of the LUN. */
export function markOn(
  begin: Buffer,
  blockBytes: number,
): { mark: Mark | null; next: { at: number; contains: Buffer } } {
  const found = slots.map((at) => {
    const contains = begin.subarray(at, at + blockBytes)
    return { at, contains, mark: markIn(contains) }
  })
  const [first, second] = found
  if (!first || !second) throw new Error('a LUN has two slots')
  const isFirst = (first.mark?.number ?? 0) >= (second.mark?.number ?? 0)
  const [holds, next] = isFirst ? [first, second] : [second, first]
  return { mark: holds.mark, next: { at: next.at, contains: next.contains } }
}
