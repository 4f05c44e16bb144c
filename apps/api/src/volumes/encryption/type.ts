import type { Ctx } from '../../kernel/context.ts'
import { invalidInput, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { EncryptionWish, TypeEncryption, VolumeTypeView } from '../types/contract.ts'
import { changeType, getVolumeType } from '../types/service.ts'
import { encryptionOf, type Stored, storedEncryption } from './words.ts'

/** Whether and how volumes of a type are encrypted. */

const none = { encryptionId: null, encryption: {} }

/** How volumes of a type are encrypted; null: not. For those who see the whole cloud. */
export async function typeEncryption(ctx: Ctx, input: { id: string }): Promise<TypeEncryption | null> {
  authorize(ctx, 'volumeType:get_encryption')
  return (await getVolumeType(ctx, input)).encryption
}

/** Throws invalid_input while volumes have the type: what they are would not be what the type says. */
async function refuseUsed(tx: Ctx, typeId: string): Promise<void> {
  const count = await tx.db.volume.count({ where: { typeId } })
  if (count > 0)
    throw invalidInput(
      `${count === 1 ? 'A volume has' : `${count} volumes have`} this type. Its encryption changes only while no volume has it.`,
    )
}

/** Lets new volumes of a type be encrypted. Throws invalid_input when they are already, or while volumes have the type. */
export const encryptType = (ctx: Ctx, { id, ...wish }: EncryptionWish): Promise<VolumeTypeView> =>
  changeType(ctx, { id, policy: 'volumeType:set_encryption' }, async (row, tx) => {
    if (row.encryptionId !== null) throw invalidInput('Volumes of this type are encrypted already.')
    await refuseUsed(tx, id)
    return storedEncryption(wish)
  })

/** Changes how new volumes of a type are encrypted. What is absent stays. */
export const changeEncryption = (
  ctx: Ctx,
  { id, ...wish }: { id: string } & Partial<Stored>,
): Promise<VolumeTypeView> =>
  changeType(ctx, { id, policy: 'volumeType:set_encryption' }, async (row, tx) => {
    const before = encryptionOf(row)
    if (!before) throw notFound('encryption of the volume type', id)
    await refuseUsed(tx, id)
    const { cipher = before.cipher, keySize = before.keySize } = wish
    return { encryption: { cipher, keySize } }
  })

/** Lets new volumes of a type be plain. */
export const decryptType = (ctx: Ctx, { id }: { id: string }): Promise<VolumeTypeView> =>
  changeType(ctx, { id, policy: 'volumeType:set_encryption' }, async (row, tx) => {
    if (row.encryptionId === null) throw notFound('encryption of the volume type', id)
    await refuseUsed(tx, id)
    return none
  })
