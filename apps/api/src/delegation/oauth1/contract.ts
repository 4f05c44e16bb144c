import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { roleChoice } from '../application-credentials/contract.ts'

/**
 * OAuth 1: programs of others (consumers) act for a user in one project with some of the user's roles. Browser-safe.
 */

export const consumerInput = z.strictObject({ description: descriptionInput.nullish() })
export const authorizeInput = z.strictObject({
  roles: z.array(roleChoice).min(1, 'Name the roles that it is given.').max(64),
})

export type ConsumerView = { id: string; description: string }
export type AccessTokenView = {
  id: string
  consumerId: string
  projectId: string
  userId: string
  expiresAt: Date
  roleIds: string[]
}
