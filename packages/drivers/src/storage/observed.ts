import { z } from 'zod'
import { generatedId, knownOf, words } from '../fields.ts'
import { diskFormat } from './spec.ts'

/**
 * Schemas of what a host says of its disks. The control plane parses every answer by them (remote/answers.ts), whatever
 * the version of the agent: fields that are not here are left out.
 */
const id = generatedId
const count = z.int().min(0)
/** An upper bound for any real machine. */
const mostGib = 2 ** 30

export const storageCapabilities = z.object({
  formats: knownOf(diskFormat),
  overlay: z.boolean(),
  shared: z.boolean(),
})

/** `writtenGib`: the space that the disks and volumes of the cloud take; agents of before do not tell. */
export const diskSpace = z.object({
  totalGib: count.max(mostGib),
  freeGib: count.max(mostGib),
  writtenGib: count.max(mostGib).optional(),
})

export const observedDisk = z.object({
  id,
  instanceId: id,
  path: z.string().max(4096),
  format: diskFormat,
  sizeBytes: count,
})

/** A file in the trash; `sizeBytes` is the space that it takes on disk. */
export const trashedFile = z.object({ id, sizeBytes: count, trashedAt: z.string().max(64) })

export const trashedDisk = trashedFile.extend({
  guest: z.object({ name: words(255), projectId: z.string().max(64) }).nullable(),
})
