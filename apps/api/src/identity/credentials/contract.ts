import { z } from 'zod'
import { keystoneId } from '../../directory/contract.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'

/**
 * Secrets that the cloud stores for a user: EC2 key pairs, TOTP seeds, certificates, and types of the callers' own.
 * Browser-safe.
 */

/** In bytes; a certificate with its chain fits. */
const maxBlob = 16_384
export const credentialInput = z.object({
  userId: keystoneId,
  projectId: keystoneId.nullish(),
  type: z.string().regex(/^[\w.-]{1,64}$/, 'A type has letters, digits, dots and dashes.'),
  blob: z.string().min(1).max(maxBlob, 'A secret has at most 16384 characters.'),
  extra: extraInput.optional(),
})
export type CredentialInput = z.output<typeof credentialInput>
export const credentialUpdateInput = z.object({
  id: keystoneId,
  type: credentialInput.shape.type.optional(),
  blob: credentialInput.shape.blob.optional(),
  userId: keystoneId.optional(),
  projectId: keystoneId.nullish(),
  extra: extraInput.optional(),
})
export const credentialListInput = z.object({
  userId: keystoneId.optional(),
  type: z.string().max(64).optional(),
})
export type CredentialView = {
  id: string
  userId: string
  projectId: string | null
  type: string
  /** "" for a TOTP seed, which nobody can read again. */
  blob: string
  extra: Extra
}
