import { randomBytes } from 'node:crypto'
import type { VolumeSpec } from '@stratolith/drivers/volumes/interface'
import { seal, unseal } from '../../identity/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { conflict, invariant } from '../../kernel/errors.ts'
import { isMultiattach } from '../types/extra-specs.ts'
import { specsOf, type TypeRow } from '../types/row.ts'
import { encryptionOf, type KeyBits, keyBitsOf } from './words.ts'

/**
 * The keys of encrypted volumes. A key belongs to all that has its ciphertext: a volume, its snapshots and backups, and what
 * is made of them. It is sealed in the database, and told to hosts alone.
 */

/** Why a volume of a type cannot begin with that origin; null when it can. `keyId` is absent for an image. */
function whyNoEncryption(
  type: TypeRow,
  origin: { words: string; data: { keyId?: string | null } } | null,
): string | null {
  const keyId = origin?.data.keyId
  if (!origin || keyId === undefined) return null
  if ((keyId !== null) === (type.encryptionId !== null)) return null
  return keyId === null
    ? `The ${origin.words} is not encrypted, and volumes of the type ${type.name} are. Choose a type that does not encrypt.`
    : `The ${origin.words} is encrypted, and volumes of the type ${type.name} are not. Choose a type that encrypts.`
}

/** How long the new key of a volume is to be; null for a volume that is plain or has the key of its origin. */
export function newKeyFor(
  type: TypeRow,
  origin: { words: string; data: { keyId?: string | null } } | null,
): KeyBits | null {
  if (type.encryptionId !== null && isMultiattach(specsOf(type)))
    throw conflict(
      `Volumes of the type ${type.name} are for several instances, so that they cannot be encrypted.`,
    )
  const why = whyNoEncryption(type, origin)
  if (why !== null) throw conflict(why)
  const encryption = encryptionOf(type)
  return encryption && origin?.data.keyId == null ? keyBitsOf(encryption) : null
}

/** The row of a new random key. */
export function aKey(ctx: Ctx, keyBits: KeyBits) {
  const id = crypto.randomUUID()
  return { id, keyBits, sealed: seal(ctx, about(id), randomBytes(32).toString('base64')) }
}
const about = (id: string) => `volume key ${id}`

/** Makes a key in the transaction that makes its volume. */
export async function makeKey(tx: Ctx, keyBits: KeyBits): Promise<string> {
  const { id } = await tx.db.volumeKey.create({ data: aKey(tx, keyBits) })
  return id
}

/** Makes a key known again that came with a backup, in the transaction that makes the backup; the key stays till its end. */
export async function keepKey(tx: Ctx, key: { id: string; sealed: string; keyBits: number }): Promise<void> {
  // An update that changes nothing locks the row, which DO NOTHING does not.
  await tx.db.$executeRaw`
    INSERT INTO "VolumeKey" ("id", "sealed", "keyBits") VALUES (${key.id}::uuid, ${key.sealed}, ${key.keyBits})
    ON CONFLICT ("id") DO UPDATE SET "keyBits" = "VolumeKey"."keyBits"`
}

/** What the host must know to make an encrypted volume; empty for a plain one. */
export async function encryptionFor(ctx: Ctx, keyId: string | null): Promise<Pick<VolumeSpec, 'encryption'>> {
  if (keyId === null) return {}
  const row = await ctx.db.volumeKey.findUnique({ where: { id: keyId } })
  invariant(row !== null, `the key ${keyId} is gone`)
  return { encryption: { key: openKey(ctx, row), keyBits: row.keyBits === 256 ? 256 : 512 } }
}

export function openKey(ctx: Ctx, { id, sealed }: { id: string; sealed: string }): string {
  const key = unseal(ctx, about(id), sealed)
  invariant(key !== null, `the key ${id} was not sealed by this cloud`)
  return key
}

/** Deletes a key that no volume and no backup needs any more, in the transaction that has deleted one of them. */
export async function forgetKey(tx: Ctx, keyId: string | null): Promise<void> {
  if (keyId === null) return
  // Of two that delete the last things of a key at once, the second sees the deletion of the first, and an import of a
  // backup that needs the key (keepKey) is seen, too.
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeKey" WHERE "id" = ${keyId}::uuid FOR UPDATE`
  await tx.db.$executeRaw`
    DELETE FROM "VolumeKey" WHERE "id" = ${keyId}::uuid
      AND NOT EXISTS (SELECT FROM "Volume" WHERE "keyId" = ${keyId}::uuid)
      AND NOT EXISTS (SELECT FROM "VolumeBackup" WHERE "keyId" = ${keyId}::uuid)`
}
