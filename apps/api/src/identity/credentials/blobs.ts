import type { Prisma } from '@stratolith/db'
import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'

export type CredentialRow = Prisma.CredentialGetPayload<object>

/** The blob of an EC2 credential: JSON with an access key and a secret. */
export const ec2Keys = z.object({
  access: z.string().regex(/^[0-9a-zA-Z_.-]{1,128}$/, 'An access key has up to 128 letters and digits.'),
  secret: z.string().min(1).max(255),
})
/**
 * Keystone puts the delegation into the blob under these keys. This cloud has columns for the delegation, which no
 * caller writes.
 */
const delegationKeys = ['trust_id', 'app_cred_id', 'access_token_id']

type Made = Pick<CredentialRow, 'trustId' | 'applicationCredentialId'>

/**
 * Returns the access key in a blob. Throws invalid_input for a blob without an access key, and forbidden for a blob
 * that names another delegation than the row's (OSSA-2020-004), because callers do not choose the rights of a key.
 */
export function accessOf(ctx: Ctx, blob: string, row?: Made): string {
  const parsed = parse(blob)
  const keys = ec2Keys.safeParse(parsed)
  if (!keys.success)
    throw invalidInput('The blob of an EC2 credential is JSON with “access” and “secret”.', 'blob')
  const { delegation } = ctx.actor
  const own = delegation?.kind === 'application_credential' ? delegation.id : null
  const allowed = row ? [row.trustId, row.applicationCredentialId] : [own]
  for (const key of delegationKeys) {
    const value = (parsed as Record<string, unknown>)[key]
    if (value !== undefined && value !== null && !allowed.includes(value as string))
      throw new CloudError('forbidden', `You may not set ${key} of a credential. Leave it out.`)
  }
  return keys.data.access
}

function parse(blob: string): unknown {
  try {
    return JSON.parse(blob)
  } catch {
    return null
  }
}

/** The blob as Keystone shows it: with the delegation, which is not in the stored text. */
export function ec2Blob(blob: string, row: Made): string {
  if (row.trustId === null && row.applicationCredentialId === null) return blob
  const parsed = parse(blob)
  return JSON.stringify({
    ...(typeof parsed === 'object' ? parsed : {}),
    trust_id: row.trustId,
    app_cred_id: row.applicationCredentialId,
  })
}
