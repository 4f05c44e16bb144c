import type { VolumeLimits } from '@stratolith/drivers/hypervisor/interface'
import { z } from 'zod'
import { descriptionInput, nameInput, pageInput, projectIdInput } from '../kernel/contract.ts'
import { volumeMetadataInput } from './metadata.ts'
import { type VolumeState, volumeStates } from './states.ts'

export * from './pools/contract.ts'
export * from './states.ts'
export * from './types/contract.ts'
export { volumeMetadataInput }

/** Names of volumes may be empty, as OpenStack's clients send them. */
const volumeName = z.union([nameInput, z.literal('')])
const sizeGib = z.number().int().min(1, 'A volume has at least 1 GiB.').max(65_536)
export const volumeListInput = pageInput.extend({
  /** A state, or "failed": any state of a failure. */
  state: z.enum([...volumeStates, 'failed']).optional(),
  instanceId: z.uuid().optional(),
  bootable: z.boolean().optional(),
  /** The name of a pool; nobody but those who see pools finds volumes by this. */
  pool: z.string().max(255).optional(),
  groupId: z.uuid().optional(),
  /** Of what the caller may see, only what belongs to this project. */
  projectId: projectIdInput.optional(),
})
export const volumeCreateInput = z.object({
  name: volumeName.default(''),
  description: descriptionInput.default(''),
  /** Absent: as large as the source. */
  sizeGib: sizeGib.optional(),
  /** What the volume begins with: an image, a snapshot, another volume or a backup. Absent: zeros. */
  imageId: z.uuid().optional(),
  snapshotId: z.uuid().optional(),
  sourceVolumeId: z.uuid().optional(),
  backupId: z.uuid().optional(),
  /** Name or id of a type; absent: the default type. */
  type: z.string().min(1).max(255).optional(),
  zone: z.string().min(1).max(255).optional(),
  /** The group to which the volume belongs from its beginning. */
  groupId: z.uuid().optional(),
  metadata: volumeMetadataInput.default({}),
})
/** A volume of an instance that is to be launched: one that exists, or one that is made for each of the instances. */
export const launchVolumeInput = z.object({
  /** Whether the instance starts from the volume, so that it has no disk of its own. */
  boot: z.boolean().default(false),
  from: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('volume'), id: z.uuid() }),
    z.object({ kind: z.literal('image'), id: z.uuid() }),
    z.object({ kind: z.literal('snapshot'), id: z.uuid() }),
    z.object({ kind: z.literal('backup'), id: z.uuid() }),
    z.object({ kind: z.literal('blank') }),
  ]),
  /** The size of a new volume; absent: as large as its source needs. */
  sizeGib: sizeGib.optional(),
  /** Name or id of the type of a new volume; absent: the default type. */
  type: z.string().min(1).max(255).optional(),
  /** The name of a new volume; {name} stands for the name of the instance. */
  name: volumeName.default(''),
  deleteOnTermination: z.boolean().default(false),
  /** The name of the disk in the guest, such as /dev/vdc; absent: the next free one. */
  device: z.string().max(64).optional(),
})
/** The instances that somebody is about to delete. */
export const leavingInput = z.object({
  instanceIds: z.array(z.uuid()).min(1).max(1000),
  allProjects: z.boolean().default(false),
})
/** The volumes that are marked to be deleted with them; `why`: the rest of a sentence why the volume stays, or null. */
export type LeavingView = {
  /** How long deleted volumes can be taken back. */
  minutes: number
  volumes: { id: string; name: string; sizeGib: number; why: string | null }[]
}
/** `id`: the volume that is to be that large; absent: a new volume. */
export const volumePlanInput = z.object({
  sizeGib,
  id: z.uuid().optional(),
  /** Name or id of the type of a new volume; absent: the default type. */
  type: z.string().min(1).max(255).optional(),
})
/** `problem`: the sentence why no machine has room for the volume at the moment; null when it fits. */
export type VolumePlan = {
  problem: string | null
  /** For administrators, when no pool has room: why each of them will not do. */
  pools?: { pool: string; problem: string }[]
}
export const volumeUpdateInput = z.object({
  id: z.uuid(),
  name: volumeName.optional(),
  description: descriptionInput.optional(),
  metadata: volumeMetadataInput.optional(),
  /** Whether it has a system that a machine can start, and whether guests may only read it. */
  bootable: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  /** A protected volume cannot be deleted, not even with its instance or its group. */
  protected: z.boolean().optional(),
})
/** `migrate`: whether the volume may be moved to another pool when the new type asks for one. */
export const volumeRetypeInput = z.object({
  id: z.uuid(),
  /** Name or id of the new type. */
  type: z.string().min(1).max(255),
  migrate: z.enum(['never', 'on-demand']).default('never'),
})
/** `pool`: the name of the pool into which the volume is to be moved. */
export const volumeMoveInput = z.object({ id: z.uuid(), pool: z.string().min(1).max(255) })
export const volumeExtendInput = z.object({ id: z.uuid(), sizeGib })

export type VolumeAttachmentView = {
  id: string
  instanceId: string
  /** Null when the instance is gone. */
  instanceName: string | null
  device: string
  state: 'attaching' | 'attached' | 'detaching'
  attachedAt: string | null
  deleteOnTermination: boolean
  /** The host of the guest; only administrators see its name. */
  host: string | null
}
export type VolumeView = {
  id: string
  projectId: string
  userId: string
  name: string
  description: string
  sizeGib: number
  state: VolumeState
  bootable: boolean
  /** Whether guests may only read it. */
  readOnly: boolean
  /** Whether it is protected from deletion. */
  protected: boolean
  /** Whether its data are encrypted where they are stored. */
  encrypted: boolean
  /** An opaque id of the key of an encrypted volume, which is not the key. */
  keyId: string | null
  /** Whether several instances may have it at the same time. */
  multiattach: boolean
  /** Whether it lies on a LUN of other storage: it has no snapshots, and is copied only while no instance has it. */
  isLun: boolean
  zone: string
  type: { id: string; name: string }
  /** How fast the guest may use it, by its type and its size; empty for no limits. */
  limits: VolumeLimits
  /** The pool of the volume; only administrators see its name. */
  pool: string | null
  /** How the latest move to another pool went; only administrators see it. */
  migration: string | null
  image: { id: string; name: string } | null
  /** What users have written about that image, for the launch of instances from the volume. */
  imageMetadata: Record<string, string>
  /** The snapshot or the volume of which the volume was made; it may be gone since. */
  snapshotId: string | null
  sourceVolumeId: string | null
  /** The group to which the volume belongs. */
  groupId: string | null
  /** The backup whose content the volume got; it may be gone since. */
  backupId: string | null
  metadata: Record<string, string>
  attachments: VolumeAttachmentView[]
  /** Whether it has snapshots that are not deleted. */
  hasSnapshots: boolean
  /** Why the volume is in an error state; null in other states. */
  error: string | null
  /**
   * In an error state: its content is whole, so that it can be used as it is. It is the old content, or all of the new one
   * when the machine has done the work and could not say so. False: nobody knows, or nothing was made.
   */
  isWhole: boolean
  createdAt: string
  updatedAt: string
}
