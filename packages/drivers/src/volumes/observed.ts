import { z } from 'zod'
import { generatedId } from '../fields.ts'

/** Schemas of what a host says of its volumes. The control plane parses every answer by them (remote/answers.ts). */
const count = z.int().min(0)

/** `usedBytes` is the space that the volume takes in its pool; `mergeable`: how many layers mergeLayers would remove. */
export const observedVolume = z.object({
  id: generatedId,
  sizeBytes: count,
  usedBytes: count,
  mergeable: count.default(0),
  /** The guest that has the volume, when the host can tell. */
  guest: generatedId.nullable().optional(),
  /** The pool into which the volume was moved: what is here is no volume any more. */
  movedTo: generatedId.optional(),
  /** What a move that is under way has copied so far, which is no volume yet. */
  isPart: z.literal(true).optional(),
  /** Its content is encrypted; absent: it is plain, or the host cannot tell. Only lists say so. */
  encrypted: z.literal(true).optional(),
  /** The move whose copy the volume is, as long as nobody has used the copy; null: none. Absent when the host cannot tell. */
  copyId: generatedId.nullable().optional(),
})

/** `quiesced`: the guest's file systems held still while the snapshot was taken, or no guest used the volume. */
export const observedSnapshot = z.object({
  id: generatedId,
  volumeId: generatedId,
  sizeBytes: count,
  quiesced: z.boolean(),
  /** The guest that ran with the volume meanwhile. */
  guest: generatedId.nullable().default(null),
})

export const poolSpace = z.object({ totalGib: count, freeGib: count })

/** A file with the bytes of a volume in the cloud's image store. */
export const observedExport = z.object({ sizeBytes: count })
