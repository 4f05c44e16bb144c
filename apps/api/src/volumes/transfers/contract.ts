import { z } from 'zod'
import { nameInput, pageInput } from '../../kernel/contract.ts'
import type { VolumeView } from '../contract.ts'

export const transferListInput = pageInput.extend({ volumeId: z.uuid().optional() })
export const transferCreateInput = z.object({
  volumeId: z.uuid(),
  name: z.union([nameInput, z.literal('')]).default(''),
  /** The snapshots of the volume stay where they are. */
  noSnapshots: z.boolean().default(false),
})
export const transferAcceptInput = z.object({ id: z.uuid(), key: z.string().min(1).max(255) })

/** A volume that is offered to whoever has the key. */
export type TransferView = {
  id: string
  volumeId: string
  projectId: string
  name: string
  noSnapshots: boolean
  createdAt: string
}
/** The key is shown once. */
export type NewTransfer = TransferView & { key: string }
export type AcceptedTransfer = { transfer: TransferView; volume: VolumeView }
