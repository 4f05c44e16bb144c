import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Ctx } from '../kernel/context.ts'
import { isoMicros } from '../openstack/discovery.ts'
import { HttpError } from '../openstack/errors.ts'
import type { ApiOperation } from '../openstack/operation.ts'
import type { Query } from '../openstack/pages.ts'
import { catalogFor } from '../openstack/services.ts'
import { rolesNamed } from './roles/service.ts'
import {
  type Issued,
  issueByPassword,
  issueByToken,
  revokeToken,
  type ScopeRef,
  validateToken,
} from './sessions.ts'
import type { TokenFacts } from './token-facts.ts'
import { unauthenticated } from './tokens.ts'

/** POST/GET/HEAD/DELETE /v3/auth/tokens. Source: Keystone api-ref v3, "Authentication and token management". */

const text = z.string().min(1).max(255)
const domainRef = z.union([z.object({ id: text }), z.object({ name: text })])
const domainOf = (ref: z.output<typeof domainRef>) => ('id' in ref ? { id: ref.id } : { name: ref.name })
const scopeBody = z.union([
  z.literal('unscoped'),
  z.object({ project: z.union([z.object({ id: text }), z.object({ name: text, domain: domainRef })]) }),
  z.object({ domain: domainRef }),
  z.object({ system: z.object({ all: z.literal(true) }) }),
  z.object({ unscoped: z.object({}) }),
])
const tokenBody = z.object({
  auth: z.object({
    identity: z.object({
      // A handful at most: a list of hundreds cost Keystone its CPU (OSSA-2014-013).
      methods: z.array(z.string().max(64)).min(1).max(8),
      password: z
        .object({
          user: z.union([
            z.object({ id: text, password: z.string() }),
            z.object({ name: text, domain: domainRef, password: z.string() }),
          ]),
        })
        .optional(),
      token: z.object({ id: z.string().max(512) }).optional(),
    }),
    scope: scopeBody.nullish(),
  }),
})
type TokenBody = z.output<typeof tokenBody>

export const authOperations: ApiOperation[] = [
  {
    name: 'auth.tokens.create',
    method: 'POST',
    path: '/auth/tokens',
    summary: 'Sign in: a token by password or by token, in any scope',
    status: 201,
    access: 'public',
    handle: async ({ ctx, body, query, request, reply }) => {
      const issued = await issue(ctx, tokenBody.parse(body), request)
      reply.header('X-Subject-Token', issued.text)
      return answer(ctx, issued.facts, query)
    },
  },
  {
    name: 'auth.tokens.validate',
    method: 'GET',
    path: '/auth/tokens',
    summary: 'What a token is worth',
    status: 200,
    access: 'token',
    handle: async ({ ctx, query, request, reply }) => {
      const subject = subjectOf(request)
      const facts = await validateToken(ctx, subject)
      if (!facts) throw noSuchToken()
      reply.header('X-Subject-Token', subject)
      return answer(ctx, facts, query)
    },
  },
  {
    name: 'auth.tokens.revoke',
    method: 'DELETE',
    path: '/auth/tokens',
    summary: 'Revoke a token',
    status: 204,
    access: 'token',
    // Reading the whole cloud is not ending what others do in it.
    except: { systemReader: 'forbidden' },
    handle: async ({ ctx, request }) => {
      if (!(await revokeToken(ctx, subjectOf(request)))) throw noSuchToken()
    },
  },
]

async function issue(ctx: Ctx, { auth }: TokenBody, request: FastifyRequest): Promise<Issued> {
  const scope = scopeOf(auth.scope)
  const { methods, password, token } = auth.identity
  // One method at a time: naming a second one must never make the first enough.
  if (new Set(methods).size !== 1) throw unauthenticated()
  if (methods[0] === 'password' && password) {
    const { user } = password
    const who = 'id' in user ? { id: user.id } : { name: user.name, domain: domainOf(user.domain) }
    return issueByPassword(
      ctx,
      { user: who, password: user.password, scope },
      request.ip,
      request.headers['user-agent'],
    )
  }
  if (methods[0] === 'token' && token) return issueByToken(ctx, { token: token.id, scope })
  throw methods[0] === 'password' || methods[0] === 'token'
    ? new HttpError(400, `'${methods[0]}' is a required property of auth.identity.`)
    : unauthenticated()
}

function scopeOf(scope: TokenBody['auth']['scope']): ScopeRef {
  if (!scope) return null
  if (scope === 'unscoped' || 'unscoped' in scope) return 'unscoped'
  if ('system' in scope) return { system: true }
  if ('domain' in scope) return { domain: domainOf(scope.domain) }
  const { project } = scope
  if ('id' in project) return { project: { id: project.id } }
  return { project: { name: project.name, domain: domainOf(project.domain) } }
}

function subjectOf(request: FastifyRequest): string {
  const subject = request.headers['x-subject-token']
  if (typeof subject !== 'string' || subject === '') throw noSuchToken()
  return subject
}
const noSuchToken = () => new HttpError(404, 'This is not a valid token.')

async function answer(ctx: Ctx, facts: TokenFacts, query: Query): Promise<object> {
  const nocatalog = Object.hasOwn(query, 'nocatalog')
  return { token: await tokenView(ctx, facts, !nocatalog) }
}

/** Keys in Keystone's order; an unscoped token has neither roles nor catalog. */
async function tokenView(ctx: Ctx, facts: TokenFacts, withCatalog: boolean): Promise<object> {
  const { scope } = facts
  const view = {
    methods: facts.methods,
    user: {
      domain: { id: facts.userDomainId, name: facts.userDomainName },
      id: facts.userId,
      name: facts.userName,
      password_expires_at: facts.passwordExpiresAt && isoMicros(facts.passwordExpiresAt).replace('Z', ''),
    },
    audit_ids: facts.parentAuditId === null ? [facts.auditId] : [facts.auditId, facts.parentAuditId],
    expires_at: isoMicros(facts.expiresAt),
    issued_at: isoMicros(facts.issuedAt),
  }
  if (scope.kind === 'none') return view
  const projectId = scope.kind === 'project' ? scope.projectId : null
  return {
    ...view,
    ...scopeView(facts),
    roles: await rolesNamed(ctx, facts.roles),
    ...(withCatalog ? { catalog: await catalogFor(ctx, { projectId, userId: facts.userId }) } : {}),
  }
}

function scopeView({ scope, scopeDomainName }: TokenFacts): object {
  if (scope.kind === 'project')
    return {
      project: {
        domain: { id: scope.domainId, name: scopeDomainName },
        id: scope.projectId,
        name: scope.projectName,
      },
      is_domain: false,
    }
  if (scope.kind === 'domain') return { domain: { id: scope.domainId, name: scopeDomainName } }
  return { system: { all: true } }
}
