import { z } from 'zod'
import { descriptionInput, idInput, nameInput, projectIdInput } from '../../kernel/contract.ts'
import { qosConsumers } from './states.ts'

const printable = /^[^\p{Cc}\p{Cs}]*$/u
/** Keys and values as Cinder takes them. A key stands in addresses, so it has no other characters. */
export const specKeyInput = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,255}$/, 'A key has at most 255 letters, digits and . : - _ only.')
export const specValueInput = z
  .string()
  .max(255, 'A value has at most 255 characters.')
  .regex(printable, 'A value has no control characters.')
const mostSpecs = 128
export const specsInput = z
  .record(specKeyInput, specValueInput)
  .refine((specs) => Object.keys(specs).length <= mostSpecs, `There are at most ${mostSpecs} of them.`)

export type QosConsumer = (typeof qosConsumers)[number]
export const qosConsumerInput = z.enum(qosConsumers)

export const volumeTypeCreateInput = z.object({
  name: nameInput,
  description: descriptionInput.default(''),
  public: z.boolean().default(true),
  extraSpecs: specsInput.default({}),
  /** Limits of the guest's QEMU; they become QoS specs with the name of the type. */
  limits: specsInput.default({}),
  /** Whether volumes of the type are encrypted. */
  encrypted: z.boolean().default(false),
})
export const volumeTypeEncryptInput = idInput.extend({ encrypted: z.boolean() })

/** How volumes of a type are encrypted, in the words of Cinder. */
export type TypeEncryption = {
  id: string
  provider: 'luks'
  controlLocation: 'front-end'
  cipher: 'aes-xts-plain64'
  keySize: 256 | 512
}
/** Null: as the cloud does it, AES-256-XTS. */
export type EncryptionWish = {
  id: string
  cipher: TypeEncryption['cipher'] | null
  keySize: TypeEncryption['keySize'] | null
}
export const volumeTypeUpdateInput = z.object({
  id: z.uuid(),
  name: nameInput.optional(),
  description: descriptionInput.optional(),
  public: z.boolean().optional(),
})
export const volumeTypeSpecInput = idInput.extend({ key: specKeyInput, value: specValueInput })
export const volumeTypeKeyInput = idInput.extend({ key: specKeyInput })
export const volumeTypeAccessInput = idInput.extend({ projectId: projectIdInput })

export const qosCreateInput = z.object({
  name: nameInput,
  consumer: qosConsumerInput.default('back-end'),
  specs: specsInput.default({}),
})

export type VolumeTypeView = {
  id: string
  name: string
  description: string
  /** Whether every project may use it. */
  public: boolean
  /** Whether it is the type of volumes for which nobody names a type. */
  isDefault: boolean
  /** Other callers than administrators see those that tell them what the volumes can do. */
  extraSpecs: Record<string, string>
  /** Whether several instances may have a volume of the type at the same time. */
  multiattach: boolean
  /** Whether the type chooses the pools of its volumes; only administrators see which. */
  choosesPool: boolean
  /** The limits that the guest's QEMU carries out, in the words of OpenStack's QoS specs; empty for none. */
  limits: Record<string, string>
  /** How its volumes are encrypted; null: they are plain. */
  encryption: TypeEncryption | null
  /** The QoS specs of the type; only administrators see them. */
  qos: QosView | null
}
export type QosView = {
  id: string
  name: string
  consumer: QosConsumer
  specs: Record<string, string>
  /** The types whose volumes have them, by name. */
  types: { id: string; name: string }[]
}
