import { z } from 'zod'
import { descriptionInput, nameInput, pageInput } from '../../kernel/contract.ts'
import type { SnapshotState } from '../snapshots/states.ts'
import type { VolumeState } from '../states.ts'
import {
  type GroupSnapshotState,
  type GroupState,
  groupSnapshotStates,
  groupStates,
  mostVolumes,
} from './states.ts'

export * from './states.ts'

const name = z.union([nameInput, z.literal('')])
const ids = z.array(z.uuid()).max(mostVolumes)

export const groupListInput = pageInput.extend({ state: z.enum(groupStates).optional() })
export const groupCreateInput = z.object({
  name: name.default(''),
  description: descriptionInput.default(''),
  /** Name or id of the type of the group; absent: the default type of groups. */
  type: z.string().min(1).max(255).optional(),
  /** Names or ids of the types that volumes of the group may have, beside those of `volumeIds`. */
  volumeTypes: z.array(z.string().min(1).max(255)).max(100).default([]),
  volumeIds: ids.default([]),
  zone: z.string().min(1).max(255).optional(),
})
/** Of what the volumes of a new group are made: of the snapshots of a group snapshot, or of the volumes of a group. */
export const groupFromInput = z.object({
  name: name.default(''),
  description: descriptionInput.default(''),
  groupSnapshotId: z.uuid().optional(),
  groupId: z.uuid().optional(),
})
export const groupUpdateInput = z.object({
  id: z.uuid(),
  name: name.optional(),
  description: descriptionInput.optional(),
  add: ids.default([]),
  remove: ids.default([]),
  /** The group may have volumes of the types of the added ones from now on. */
  withTypes: z.boolean().default(false),
})
export const groupDeleteInput = z.object({
  id: z.uuid(),
  /** Its volumes are deleted, too; otherwise they go on without a group. */
  volumes: z.enum(['keep', 'delete']).default('keep'),
})
export const groupSnapshotListInput = pageInput.extend({
  state: z.enum(groupSnapshotStates).optional(),
  groupId: z.uuid().optional(),
})
export const groupSnapshotCreateInput = z.object({
  groupId: z.uuid(),
  name: name.default(''),
  description: descriptionInput.default(''),
})

const specs = z
  .record(
    z.string().regex(/^[\w:. -]{1,255}$/, 'may have letters, digits, spaces and - _ : .'),
    z.string().max(255, 'is too long'),
  )
  .refine((all) => Object.keys(all).length <= 128, 'A type has at most 128 specs.')
export const groupSpecsInput = specs
export const groupTypeCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  public: z.boolean().default(true),
  specs: specs.default({}),
})
export const groupTypeUpdateInput = groupTypeCreateInput
  .omit({ specs: true })
  .partial()
  .extend({ id: z.uuid() })

type Ref = { id: string; name: string }
export type GroupVolumeView = Ref & { sizeGib: number; state: VolumeState; type: Ref }
export type VolumeGroupView = {
  id: string
  projectId: string
  userId: string
  name: string
  description: string
  state: GroupState
  type: Ref
  /** The types that its volumes may have. */
  volumeTypes: Ref[]
  volumes: GroupVolumeView[]
  hasSnapshots: boolean
  zone: string
  groupSnapshotId: string | null
  sourceGroupId: string | null
  error: string | null
  createdAt: string
  updatedAt: string
}
export type GroupSnapshotPartView = Ref & {
  volume: Ref
  sizeGib: number
  state: SnapshotState
  quiesced: boolean | null
}
export type GroupSnapshotView = {
  id: string
  projectId: string
  name: string
  description: string
  state: GroupSnapshotState
  group: Ref
  groupTypeId: string
  snapshots: GroupSnapshotPartView[]
  /** Whether all volumes were kept at one instant; otherwise those of each guest were. Null until they are made. */
  isOneInstant: boolean | null
  error: string | null
  createdAt: string
  updatedAt: string
}
export type VolumeGroupTypeView = {
  id: string
  name: string
  description: string
  public: boolean
  isDefault: boolean
  /** Only administrators see them. */
  specs: Record<string, string>
}
