import { z } from 'zod'
import { identityName, keystoneId } from '../../directory/contract.ts'
import { descriptionInput } from '../../kernel/contract.ts'

/**
 * Application credentials: passwords for programs. Each is for one project, gives some of the user's roles, and can be
 * deleted by itself. Browser-safe.
 */

export const ruleMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/**
 * `path` is below the service: "/v2.1/servers/*". `*` and `{name}` stand for one part of the path, `**` for any number
 * of parts.
 */
export const accessRuleInput = z.object({
  service: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'A service is named by its type in the catalog, e.g. compute.'),
  method: z
    .string()
    .transform((method) => method.toUpperCase())
    .pipe(z.enum(ruleMethods)),
  path: z
    .string()
    .max(255)
    .regex(/^\/[\w\-./~!$&'()+,:;=@%*{}]*$/, 'A path begins with a slash and has no spaces, ? or #.'),
})
/** A rule that the user has already may be named by its id. */
export const accessRuleChoice = z.union([accessRuleInput, z.strictObject({ id: keystoneId })])
export const roleChoice = z.union([
  z.object({ id: keystoneId }),
  z.object({ name: z.string().min(1).max(255) }),
])

export const applicationCredentialInput = z.object({
  name: identityName,
  description: descriptionInput.default(''),
  /** When left out, the secret is random, which is better. */
  secret: z.string().min(1).max(1024).optional(),
  /** When left out, the credential gives every role that the session has. */
  roles: z.array(roleChoice).max(64).optional(),
  expiresAt: z.iso.datetime({ offset: true }).nullish(),
  unrestricted: z.boolean().default(false),
  /** When left out, the credential allows every request. */
  accessRules: z
    .array(accessRuleChoice)
    .min(1, 'An empty list of access rules would allow nothing. Leave it out to allow every request.')
    .max(64, 'At most 64 access rules.')
    .optional(),
})
export type ApplicationCredentialInput = z.input<typeof applicationCredentialInput>
export const applicationCredentialListInput = z.object({
  /** When left out, the caller's own credentials are listed. */
  userId: keystoneId.optional(),
  name: z.string().max(255).optional(),
})
export const applicationCredentialRef = z.object({ id: keystoneId, userId: keystoneId.optional() })

export type AccessRuleView = {
  id: string
  service: string
  method: string
  path: string
}
export type ApplicationCredentialView = {
  id: string
  name: string
  description: string
  project: { id: string; name: string }
  roles: { id: string; name: string; domainId: string | null }[]
  expiresAt: string | null
  expired: boolean
  unrestricted: boolean
  /** Null means that every request is allowed. */
  accessRules: AccessRuleView[] | null
  createdAt: string
}
/** The secret is shown once, because only its digest is stored. */
export type NewApplicationCredential = ApplicationCredentialView & { secret: string }
