import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../kernel/context.ts'
import { isoMicros } from '../openstack/discovery.ts'
import { HttpError } from '../openstack/errors.ts'
import { keystoneBase } from '../openstack/keystone.ts'
import type { ApiOperation } from '../openstack/operation.ts'
import { delegations } from './delegations.ts'
import { MoreFactors, type Receipt } from './multi-factor/receipts.ts'
import { type Identity, proofsOf, readScope, tokenBody } from './openstack/auth-body.ts'
import { tokenAnswer } from './openstack/auth-view.ts'
import {
  type Issued,
  issueByProofs,
  issueByToken,
  revokeToken,
  type ScopeRef,
  validateToken,
} from './sessions.ts'
import { PasswordExpired } from './sign-in.ts'
import { unauthenticated } from './tokens.ts'

/** POST/GET/HEAD/DELETE /v3/auth/tokens. Source: Keystone api-ref v3, "Authentication and token management". */

export const authOperations: ApiOperation[] = [
  {
    name: 'auth.tokens.create',
    method: 'POST',
    path: '/auth/tokens',
    summary:
      'Sign in: a token by password and code, token, application credential, trust or OAuth 1, in any scope',
    status: 201,
    access: 'public',
    deviation: 'A code (totp) is a second factor: alone, or before the password, it opens nothing.',
    handle: async ({ ctx, body, query, request, reply }) => {
      const { auth } = tokenBody.parse(body)
      const issued = await issue(ctx, auth.identity, readScope(auth.scope), request).catch(asAnswer)
      if (issued instanceof MoreFactors) return sendReceipt(ctx, issued.receipt, reply)
      if (issued instanceof PasswordExpired) return sendExpired(ctx, issued, reply)
      reply.header('X-Subject-Token', issued.text)
      return tokenAnswer(ctx, issued.facts, query)
    },
  },
  {
    name: 'auth.tokens.validate',
    method: 'GET',
    path: '/auth/tokens',
    summary: 'Validate a token',
    status: 200,
    access: 'token',
    handle: async ({ ctx, query, request, reply }) => {
      const subject = subjectOf(request)
      const facts = await validateToken(ctx, subject)
      if (!facts) throw noSuchToken()
      reply.header('X-Subject-Token', subject)
      return tokenAnswer(ctx, facts, query)
    },
  },
  {
    name: 'auth.tokens.revoke',
    method: 'DELETE',
    path: '/auth/tokens',
    summary: 'Revoke a token',
    status: 204,
    access: 'token',
    // A reader of the system may read everything, but may not end the sessions of others.
    except: { systemReader: 'forbidden' },
    handle: async ({ ctx, request }) => {
      if (!(await revokeToken(ctx, subjectOf(request)))) throw noSuchToken()
    },
  },
]

/**
 * Methods add up, and none replaces another: every method that is named must also be given. A token and the methods of
 * delegations stand alone.
 */
async function issue(ctx: Ctx, given: Identity, scope: ScopeRef, request: FastifyRequest): Promise<Issued> {
  const methods = [...new Set(given.methods)]
  const origin = { source: request.ip, userAgent: request.headers['user-agent'] ?? '' }
  const [only] = methods.length === 1 ? methods : []
  const others = delegations().methods
  const alone = ['token', ...others.map(({ name }) => name)]
  const known = new Set(['password', 'totp', ...alone])
  const receipt = request.headers['openstack-auth-receipt']
  if (!methods.every((method) => known.has(method)) || (only === 'totp' && receipt === undefined))
    throw unauthenticated()
  for (const method of methods)
    if (!Object.hasOwn(given, method) || given[method] === undefined)
      throw new HttpError(400, `'${method}' is a required property of auth.identity.`)
  if (only === 'token' && given.token) return issueByToken(ctx, { token: given.token.id, scope })
  const method = others.find(({ name }) => name === only)
  if (method) {
    // Each of these methods has its own scope, so the caller cannot ask for another.
    if (scope !== null) throw unauthenticated()
    return method.issue(ctx, given[method.name], request, origin)
  }
  if (alone.some((method) => methods.includes(method))) throw unauthenticated()
  const proofs = proofsOf(given, methods, typeof receipt === 'string' ? receipt : undefined)
  return issueByProofs(ctx, { proofs, scope }, origin)
}

/** Returns the two refusals that tell the caller more than Keystone's one sentence, and throws all others. */
function asAnswer(error: unknown): MoreFactors | PasswordExpired {
  if (error instanceof MoreFactors || error instanceof PasswordExpired) return error
  throw error
}

const unauthorized = (ctx: Ctx, reply: FastifyReply): FastifyReply =>
  reply
    .status(401)
    .header('WWW-Authenticate', `Keystone uri="${keystoneBase(ctx)}"`)
    .header('Content-Type', 'application/json')

/** This is Keystone's own sentence, by which clients know that a new password is needed. */
function sendExpired(ctx: Ctx, { userId }: PasswordExpired, reply: FastifyReply): void {
  const message = `The password is expired and needs to be changed for user: ${userId}.`
  unauthorized(ctx, reply).send({ error: { code: 401, message, title: 'Unauthorized' } })
}

/** Answers 401 with the methods that are missing. The client sends the receipt with its next POST /auth/tokens. */
function sendReceipt(ctx: Ctx, receipt: Receipt, reply: FastifyReply): void {
  unauthorized(ctx, reply)
    .header('Openstack-Auth-Receipt', receipt.text)
    .send({
      receipt: {
        methods: receipt.methods,
        user: receipt.user,
        expires_at: isoMicros(receipt.expiresAt),
        issued_at: isoMicros(receipt.issuedAt),
      },
      required_auth_methods: receipt.required,
    })
}

function subjectOf(request: FastifyRequest): string {
  const subject = request.headers['x-subject-token']
  if (typeof subject !== 'string' || subject === '') throw noSuchToken()
  return subject
}
const noSuchToken = () => new HttpError(404, 'This is not a valid token.')
