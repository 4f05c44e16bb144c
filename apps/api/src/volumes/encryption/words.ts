import type { EncryptionWish, TypeEncryption } from '../types/contract.ts'

/** How volumes of a type are encrypted: the words of Cinder, of which this cloud carries out one way. */

export type KeyBits = 256 | 512
export type Stored = Pick<EncryptionWish, 'cipher' | 'keySize'>

/** What is carried out, also where the row leaves it open. Null: volumes of the type are plain. */
export function encryptionOf(row: {
  encryptionId: string | null
  encryption: unknown
}): TypeEncryption | null {
  if (row.encryptionId === null) return null
  const { cipher = null, keySize = null } = row.encryption as Partial<Stored>
  return {
    ...{ id: row.encryptionId, provider: 'luks', controlLocation: 'front-end' },
    ...{ cipher: cipher ?? 'aes-xts-plain64', keySize: keyBitsOf({ keySize }) },
  }
}

/** AES-XTS has two keys: 512 bits are AES-256, which is what no key size means. */
export const keyBitsOf = ({ keySize }: Pick<Stored, 'keySize'>): KeyBits => (keySize === 256 ? 256 : 512)

/** What stands in the row of a type. */
export const storedEncryption = ({ cipher, keySize }: Stored) => ({
  encryptionId: crypto.randomUUID(),
  encryption: { cipher, keySize },
})
