import { z } from 'zod'
import type { UserRef } from '../../directory/service.ts'
import type { Proofs, ScopeRef } from '../sessions.ts'

/** The body of POST /v3/auth/tokens. Source: Keystone api-ref v3. */

const text = z.string().min(1).max(255)
const domainRef = z.union([z.object({ id: text }), z.object({ name: text })])
type DomainBody = z.output<typeof domainRef>
const domainOf = (ref: DomainBody) => ('id' in ref ? { id: ref.id } : { name: ref.name })

export const userBody = z.union([z.object({ id: text }), z.object({ name: text, domain: domainRef })])
const userWith = <Shape extends z.ZodRawShape>(more: Shape) =>
  z.union([z.object({ id: text, ...more }), z.object({ name: text, domain: domainRef, ...more })])
export const userOf = (user: z.output<typeof userBody>): UserRef =>
  'id' in user ? { id: user.id } : { name: user.name, domain: domainOf(user.domain) }

const scopeBody = z.union([
  z.literal('unscoped'),
  z.object({ project: z.union([z.object({ id: text }), z.object({ name: text, domain: domainRef })]) }),
  z.object({ domain: domainRef }),
  z.object({ system: z.object({ all: z.literal(true) }) }),
  z.object({ 'OS-TRUST:trust': z.object({ id: text }) }),
  z.object({ unscoped: z.object({}) }),
])
/** Values of other methods are checked by the methods themselves (delegations.ts). */
const identityBody = z.looseObject({
  // A list of hundreds of methods cost Keystone much processor time (OSSA-2014-013).
  methods: z.array(z.string().max(64)).min(1).max(8),
  password: z.object({ user: userWith({ password: z.string() }) }).optional(),
  totp: z.object({ user: userWith({ passcode: z.string().max(64) }) }).optional(),
  token: z.object({ id: z.string().max(512) }).optional(),
})
export type Identity = z.output<typeof identityBody>
export const tokenBody = z.object({
  auth: z.object({ identity: identityBody, scope: scopeBody.nullish() }),
})

export function readScope(scope: z.output<typeof tokenBody>['auth']['scope']): ScopeRef {
  if (!scope) return null
  if (scope === 'unscoped' || 'unscoped' in scope) return 'unscoped'
  if ('system' in scope) return { system: true }
  if ('OS-TRUST:trust' in scope) return { trust: scope['OS-TRUST:trust'] }
  if ('domain' in scope) return { domain: domainOf(scope.domain) }
  const { project } = scope
  if ('id' in project) return { project: { id: project.id } }
  return { project: { name: project.name, domain: domainOf(project.domain) } }
}

export function proofsOf(given: Identity, methods: string[], receipt: string | undefined): Proofs {
  const password = methods.includes('password') ? given.password?.user : undefined
  const totp = methods.includes('totp') ? given.totp?.user : undefined
  return {
    ...(password ? { password: { user: userOf(password), password: password.password } } : {}),
    ...(totp ? { totp: { user: userOf(totp), passcode: totp.passcode } } : {}),
    ...(receipt === undefined ? {} : { receipt }),
  }
}
