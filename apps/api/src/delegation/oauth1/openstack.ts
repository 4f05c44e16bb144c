import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { namedRole, rolesById } from '../../directory/service.ts'
import type { AuthMethod } from '../../identity/service.ts'
import { isoMicros } from '../../openstack/discovery.ts'
import { HttpError } from '../../openstack/errors.ts'
import { collection, idOf, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { deleteAccessToken, getAccessToken, issueByOAuth, listAccessTokens } from './access-tokens.ts'
import { createConsumer, deleteConsumer, getConsumer, listConsumers, updateConsumer } from './consumers.ts'
import { type AccessTokenView, authorizeInput, type ConsumerView, consumerInput } from './contract.ts'
import { authorizeRequestToken, createAccessToken, createRequestToken, type Given } from './request-tokens.ts'
import { type OAuthRequest, readAuthorization } from './signature.ts'

/** Source: Keystone api-ref v3, OS-OAUTH1. */

const consumers = '/OS-OAUTH1/consumers'
const tokens = '/users/:user/OS-OAUTH1/access_tokens'
const consumerBody = z.strictObject({ consumer: consumerInput })
const deviation =
  'Only HMAC-SHA1, signed for the public address; a timestamp is good for 15 minutes, a nonce once.'
/**
 * A user's access tokens: the user and administrators of the cloud may use them; other callers do not learn that they
 * exist.
 */
const owners = { admin: 'ok' } as const

/** The signed request. Throws a 400 without an OAuth Authorization header. */
export function oauthRequest(call: { deps: Call['deps']; request: FastifyRequest }): OAuthRequest {
  const { request, deps } = call
  const parameters = readAuthorization(request.headers.authorization)
  if (!parameters)
    throw new HttpError(400, 'Sign the request in an Authorization header of OAuth (RFC 5849).')
  // A request line may name a host, too (RFC 9112, 3.2.2), but consumers sign the public address.
  const path = request.originalUrl.replace(/^https?:\/\/[^/]*/i, '')
  return { method: request.method, url: deps.config.publicUrl + path, parameters }
}

/** The method auth.identity.oauth1, whose proof is the Authorization header. */
export const byOAuth: AuthMethod = {
  name: 'oauth1',
  issue: (ctx, _given, request, origin) =>
    issueByOAuth(ctx, oauthRequest({ deps: ctx.deps, request }), origin),
}

function demandParameters({ parameters }: OAuthRequest, ...names: string[]): void {
  for (const name of names)
    if (!parameters.get(name)) throw new HttpError(400, `'${name}' is a required parameter of OAuth.`)
}

/** Answers in the content type of forms, as OAuth requires. */
function sendGiven({ reply }: Call, { id, secret, expiresAt }: Given): string {
  reply.header('content-type', 'application/x-www-form-urlencoded')
  return `oauth_token=${id}&oauth_token_secret=${secret}&oauth_expires_at=${isoMicros(expiresAt)}`
}

const consumerOperations: ApiOperation[] = [
  {
    name: 'consumers.list',
    method: 'GET',
    path: consumers,
    summary: 'List consumers: programs of others that may ask users for their roles',
    status: 200,
    access: 'adminRead',
    handle: async (call) =>
      collection(
        call,
        'OS-OAUTH1/consumers',
        'consumers',
        { items: await listConsumers(call.ctx) },
        consumerView,
      ),
  },
  {
    name: 'consumers.create',
    method: 'POST',
    path: consumers,
    summary: 'Make a consumer; its secret is shown once',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const made = await createConsumer(call.ctx, consumerBody.parse(call.body).consumer)
      return { consumer: { ...consumerView(keystoneBase(call), made), secret: made.secret } }
    },
  },
  {
    name: 'consumers.get',
    method: 'GET',
    path: `${consumers}/:id`,
    summary: 'Show a consumer',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({
      consumer: consumerView(keystoneBase(call), await getConsumer(call.ctx, idOf(call.params))),
    }),
  },
  {
    name: 'consumers.update',
    method: 'PATCH',
    path: `${consumers}/:id`,
    summary: 'Change the description of a consumer',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const { consumer } = consumerBody.parse(call.body)
      const now = await updateConsumer(call.ctx, idOf(call.params), consumer)
      return { consumer: consumerView(keystoneBase(call), now) }
    },
  },
  {
    name: 'consumers.delete',
    method: 'DELETE',
    path: `${consumers}/:id`,
    summary: 'Delete a consumer with its request tokens and access tokens',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await deleteConsumer(call.ctx, idOf(call.params))
    },
  },
]

const wayOperations: ApiOperation[] = [
  {
    name: 'oauth1.request_token',
    method: 'POST',
    path: '/OS-OAUTH1/request_token',
    summary: 'A consumer asks for roles in a project',
    status: 201,
    access: 'public',
    deviation,
    handle: async (call) => {
      const request = oauthRequest(call)
      demandParameters(request, 'oauth_consumer_key')
      const project = call.request.headers['requested-project-id']
      if (typeof project !== 'string' || project === '')
        throw new HttpError(400, "'Requested-Project-Id' is a required header.")
      return sendGiven(call, await createRequestToken(call.ctx, request, project, call.request.ip))
    },
  },
  {
    name: 'oauth1.authorize',
    method: 'PUT',
    path: '/OS-OAUTH1/authorize/:id',
    summary: 'Give a consumer some of the caller’s roles in the project that the consumer asked for',
    status: 200,
    access: 'mine',
    // Users with a role in the project can authorize the request; for others it does not exist.
    except: { ownerReader: 'ok', admin: 'ok' },
    deviation:
      'Every user who has the roles may authorize a request, once; Keystone’s own policy allows this to administrators only.',
    handle: async (call) => {
      const { roles } = authorizeInput.parse(call.body)
      const { verifier } = await authorizeRequestToken(call.ctx, idOf(call.params), roles)
      return { token: { oauth_verifier: verifier } }
    },
  },
  {
    name: 'oauth1.access_token',
    method: 'POST',
    path: '/OS-OAUTH1/access_token',
    summary: 'Exchange an authorized request token for an access token, once',
    status: 201,
    access: 'public',
    deviation,
    handle: async (call) => {
      const request = oauthRequest(call)
      demandParameters(request, 'oauth_consumer_key', 'oauth_token', 'oauth_verifier')
      return sendGiven(call, await createAccessToken(call.ctx, request, call.request.ip))
    },
  },
]

const tokenOperations: ApiOperation[] = [
  {
    name: 'access_tokens.list',
    method: 'GET',
    path: tokens,
    summary: 'List the access tokens that a user has given to consumers',
    status: 200,
    access: 'mine',
    except: owners,
    handle: async (call) => {
      const userId = idOf(call.params, 'user')
      const items = await listAccessTokens(call.ctx, userId)
      return collection(
        call,
        `users/${userId}/OS-OAUTH1/access_tokens`,
        'access_tokens',
        { items },
        tokenView,
      )
    },
  },
  {
    name: 'access_tokens.get',
    method: 'GET',
    path: `${tokens}/:id`,
    summary: 'Show an access token that a user has given to a consumer',
    status: 200,
    access: 'mine',
    except: owners,
    handle: async (call) => ({ access_token: tokenView(keystoneBase(call), await read(call)) }),
  },
  {
    name: 'access_tokens.delete',
    method: 'DELETE',
    path: `${tokens}/:id`,
    summary: 'Delete an access token with the tokens made from it',
    status: 204,
    access: 'mine',
    except: owners,
    handle: async (call) => {
      await deleteAccessToken(call.ctx, at(call))
    },
  },
  {
    name: 'access_tokens.roles.list',
    method: 'GET',
    path: `${tokens}/:id/roles`,
    summary: 'Roles that an access token gives',
    status: 200,
    access: 'mine',
    except: owners,
    handle: async (call) => {
      const token = await read(call)
      const items = await rolesById(call.ctx, token.roleIds)
      const path = `users/${token.userId}/OS-OAUTH1/access_tokens/${token.id}/roles`
      return collection(call, path, 'roles', { items }, namedRole)
    },
  },
  {
    name: 'access_tokens.roles.get',
    method: 'GET',
    path: `${tokens}/:id/roles/:role`,
    summary: 'Does an access token give a role?',
    status: 200,
    access: 'mine',
    except: owners,
    handle: async (call) => {
      const wanted = idOf(call.params, 'role')
      const given = (await read(call)).roleIds.filter((id) => id === wanted)
      const [role] = await rolesById(call.ctx, given)
      if (!role) throw new HttpError(404, 'This access token does not give that role.')
      return { role: namedRole(keystoneBase(call), role) }
    },
  },
]

export const oauthOperations: ApiOperation[] = [...consumerOperations, ...wayOperations, ...tokenOperations]

const at = ({ params }: Call) => ({ userId: idOf(params, 'user'), id: idOf(params) })
const read = (call: Call) => getAccessToken(call.ctx, at(call))

const consumerView = (base: string, { id, description }: ConsumerView) => ({
  id,
  description,
  links: { self: `${base}${consumers}/${id}` },
})
function tokenView(base: string, token: AccessTokenView) {
  const self = `${base}/users/${token.userId}/OS-OAUTH1/access_tokens/${token.id}`
  return {
    id: token.id,
    consumer_id: token.consumerId,
    project_id: token.projectId,
    authorizing_user_id: token.userId,
    expires_at: isoMicros(token.expiresAt),
    links: { self, roles: `${self}/roles` },
  }
}
