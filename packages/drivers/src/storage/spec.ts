import { z } from 'zod'
import { generatedId } from '../fields.ts'

const id = generatedId
const count = z.int().min(0)
export const diskFormat = z.enum(['raw', 'qcow2'])

export const baseSpec = z.object({ blobId: id, format: diskFormat, maxVirtualBytes: count })

export const diskSpec = z.object({
  id,
  instanceId: id,
  projectId: z.string().max(255),
  sizeGib: count,
  /** `blobId` names a base that ensureBase has made. */
  base: z.object({ blobId: id, format: diskFormat }),
  mode: z.enum(['overlay', 'copy']),
})

/**
 * A further disk of a guest, beside its root disk. `format`: what the disk contains at first, a file system, a swap area or
 * nothing (null); `label` is the name of the file system.
 */
export const localDiskSpec = z.object({
  id,
  instanceId: id,
  sizeMib: count.min(1),
  format: z.enum(['ext2', 'ext3', 'ext4', 'swap']).nullable(),
  label: z.string().regex(/^[a-z0-9]{1,16}$/),
})

/** The note about a removed guest. `told` is the data that the control plane needs to make the guest again; hosts do not read it. */
export const keptGuest = z.object({
  instanceId: id,
  name: z.string().max(255),
  projectId: id,
  told: z.string().max(2_000_000),
})

export const emptyOptions = z.object({ olderThanMs: z.int().min(0) })
