import { randomInt, timingSafeEqual } from 'node:crypto'
import type { Prisma } from '@stratolith/db'
import {
  demandRoom,
  lockUser,
  newId,
  projectExists,
  type RoleRef,
  reachesElsewhere,
  rolesAt,
} from '../../directory/service.ts'
import { proving, seal, unseal } from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import { rolesToHandOn } from '../delegable.ts'
import { told } from './access-tokens.ts'
import { newSecret } from './consumers.ts'
import type { OAuthRequest } from './signature.ts'
import { isFrom } from './signers.ts'

/**
 * The way to an access token: a consumer asks, a user authorizes the request and passes the verifier on, and the
 * consumer exchanges both for an access token.
 */

const requestMs = 8 * 3600_000
const accessMs = 24 * 3600_000
const mostOpen = 1000
const mostPerUser = 200
export type Given = { id: string; secret: string; expiresAt: Date }

/**
 * Makes a request token for a project. The token gives the consumer nothing of the project before a user authorizes it.
 */
export async function createRequestToken(
  ctx: Ctx,
  request: OAuthRequest,
  projectId: string,
  source: string,
): Promise<Given> {
  const consumer = await proving(ctx, source, async () => {
    const id = request.parameters.get('oauth_consumer_key') ?? ''
    const row = await ctx.db.oAuthConsumer.findUnique({ where: { id } })
    return (await isFrom(ctx, request, row && { consumer: row, token: null })) ? row : null
  })
  if (!(await projectExists(ctx, projectId, 'live'))) throw notFound('project', projectId)
  const open = await ctx.db.oAuthRequestToken.count({ where: { consumerId: consumer.id } })
  if (open >= mostOpen)
    throw new CloudError(
      'forbidden',
      `This consumer has ${mostOpen} request tokens. Wait until some run out.`,
    )
  const [id, secret, expiresAt] = [newId(), newSecret(), new Date(Date.now() + requestMs)]
  const data = { id, consumerId: consumer.id, projectId, secret: seal(ctx, id, secret), expiresAt }
  await ctx.db.oAuthRequestToken.create({ data })
  return { id, secret, expiresAt }
}

/**
 * The caller gives the consumer these of the caller's roles in the project that the consumer asked for. Returns the
 * verifier, which the caller passes on. A caller with a delegation may not authorize, and a token is authorized only
 * once. Throws not_found where the caller has no role (R2).
 */
export async function authorizeRequestToken(
  ctx: Ctx,
  id: string,
  wanted: readonly RoleRef[],
): Promise<{ verifier: string }> {
  authorize(ctx, 'identity:authorize_request_token')
  const { userId } = ctx.actor
  if (!reachesElsewhere(ctx))
    throw new CloudError(
      'forbidden',
      'You may not authorize a program by a delegation or an EC2 credential. Sign in by password for that.',
    )
  const row = await ctx.db.oAuthRequestToken.findFirst({ where: { id, expiresAt: { gt: new Date() } } })
  const roles = row ? await rolesAt(ctx, userId, { projectId: row.projectId }) : new Set<string>()
  if (!row || roles.size === 0) throw notFound('request token', id)
  const roleIds = await rolesToHandOn(ctx, roles, wanted)
  const verifier = newVerifier()
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.oAuthRequestToken.updateMany({
      where: { id, userId: null },
      data: { userId, roleIds, verifier: seal(ctx, id, verifier) },
    })
    if (count === 0) throw conflict('This request token has been authorized already.')
    await appendEvent(tx, {
      kind: 'requestToken.authorized',
      projectId: row.projectId,
      resourceKind: 'requestToken',
      resourceId: id,
      data: { consumerId: row.consumerId },
    })
  })
  return { verifier }
}

/** Exchanges an authorized request token, once. Throws unauthenticated for everything that is wrong. */
export async function createAccessToken(ctx: Ctx, request: OAuthRequest, source: string): Promise<Given> {
  const asked = await proving(ctx, source, async () => {
    const { parameters } = request
    const row = await ctx.db.oAuthRequestToken.findFirst({
      where: { id: parameters.get('oauth_token') ?? '', expiresAt: { gt: new Date() } },
      include: { consumer: true },
    })
    const signer =
      row && row.consumerId === parameters.get('oauth_consumer_key')
        ? { consumer: row.consumer, token: row }
        : null
    const signed = await isFrom(ctx, request, signer)
    return signed && row && isVerifier(ctx, row, parameters.get('oauth_verifier') ?? '') ? row : null
  })
  return inTransaction(ctx, (tx) => exchange(tx, asked))
}

async function exchange(ctx: Ctx, asked: { id: string; userId: string | null }): Promise<Given> {
  const userId = asked.userId ?? ''
  await lockUser(ctx, userId)
  // Of two exchanges at once, one finds the row.
  const row = await ctx.db.oAuthRequestToken.findUnique({ where: { id: asked.id } })
  const { count } = await ctx.db.oAuthRequestToken.deleteMany({ where: { id: asked.id, userId } })
  if (!row || count === 0)
    throw new CloudError('unauthenticated', 'This request token has been used already.')
  demandRoom(await ctx.db.oAuthAccessToken.count({ where: { userId } }), mostPerUser, 'access tokens')
  const [id, secret, expiresAt] = [newId(), newSecret(), new Date(Date.now() + accessMs)]
  const { consumerId, projectId, roleIds } = row
  const data = { id, consumerId, projectId, userId, roleIds, secret: seal(ctx, id, secret), expiresAt }
  const made = await ctx.db.oAuthAccessToken.create({ data })
  await told(ctx, 'created', made)
  return { id, secret, expiresAt }
}

/**
 * As long as Keystone's verifier, because people copy it by hand. To guess one, an attacker would also need the secrets
 * of the consumer and of the request token.
 */
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const newVerifier = () => Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join('')

type RequestRow = Prisma.OAuthRequestTokenGetPayload<object>
function isVerifier(ctx: Ctx, { id, verifier }: RequestRow, given: string): boolean {
  const kept = Buffer.from(verifier === null ? '' : (unseal(ctx, id, verifier) ?? ''))
  const bytes = Buffer.from(given)
  return kept.length > 0 && kept.length === bytes.length && timingSafeEqual(kept, bytes)
}
