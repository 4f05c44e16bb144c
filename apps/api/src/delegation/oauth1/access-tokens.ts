import { lockUser, refuseDelegation, seen, sessionEnded, userRef } from '../../directory/service.ts'
import { type Issued, issueToken, type Origin, proving, refused } from '../../identity/service.ts'
import { type Ctx, inTransaction, isAdmin } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { decide } from '../../kernel/policy.ts'
import type { AccessTokenView } from './contract.ts'
import type { OAuthRequest } from './signature.ts'
import { isFrom } from './signers.ts'

/**
 * Access tokens: the rights that a user has given to consumers. The user and administrators of the cloud see and delete
 * them.
 */

const columns = { id: true, consumerId: true, projectId: true, userId: true, expiresAt: true, roleIds: true }
const most = 1000

export async function listAccessTokens(ctx: Ctx, userId: string): Promise<AccessTokenView[]> {
  if (!decide(ctx, 'identity:get_access_token', { userId }).allowed) throw notFound('user', userId)
  if (!(await userRef(ctx, userId))) throw notFound('user', userId)
  return ctx.db.oAuthAccessToken.findMany({
    where: { userId, expiresAt: { gt: new Date() } },
    select: columns,
    orderBy: { id: 'asc' },
    take: most,
  })
}

/** Throws not_found, also for an access token of another user. */
export async function getAccessToken(
  ctx: Ctx,
  at: { userId: string; id: string },
  action?: string,
): Promise<AccessTokenView> {
  const where = { ...at, expiresAt: { gt: new Date() } }
  const row = await ctx.db.oAuthAccessToken.findFirst({ where, select: columns })
  const target = ({ userId }: AccessTokenView) => ({ userId })
  return seen(
    ctx,
    { kind: 'access token', id: at.id, row, target, read: 'identity:get_access_token' },
    action,
  )
}

/** Tokens that were made from the access token end at once. */
export async function deleteAccessToken(ctx: Ctx, at: { userId: string; id: string }): Promise<void> {
  const row = await getAccessToken(ctx, at, 'identity:delete_access_token')
  if (!isAdmin(ctx)) refuseDelegation(ctx, 'delete access tokens')
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, row.userId)
    const { count } = await tx.db.oAuthAccessToken.deleteMany({ where: { id: row.id } })
    if (count === 0) throw notFound('access token', row.id)
    await sessionEnded(tx, { userId: row.userId }, 'access token deleted')
    await told(tx, 'deleted', row)
  })
}

/**
 * Issues a token for the user who authorized the consumer that signed, in the project and with the roles that the user
 * gave, as far as the user still has them. The token is a delegation, and no other token can be made from it.
 */
export async function issueByOAuth(ctx: Ctx, request: OAuthRequest, origin: Origin): Promise<Issued> {
  return proving(ctx, origin.source, async () => {
    const { parameters } = request
    const row = await ctx.db.oAuthAccessToken.findFirst({
      where: { id: parameters.get('oauth_token') ?? '', expiresAt: { gt: new Date() } },
      include: { consumer: true },
    })
    const known = row && row.consumerId === parameters.get('oauth_consumer_key')
    const signed = await isFrom(ctx, request, known ? { consumer: row.consumer, token: row } : null)
    if (!signed || !row) return null
    const wish = {
      userId: row.userId,
      scope: { kind: 'project' as const, projectId: row.projectId },
      methods: ['oauth1'],
      accessTokenId: row.id,
      notAfter: row.expiresAt,
      origin,
    }
    return inTransaction(ctx, (tx) => issueToken(tx, wish)).catch(refused)
  })
}

export const told = (
  ctx: Ctx,
  what: 'created' | 'deleted',
  { id, userId, projectId, consumerId }: Omit<AccessTokenView, 'expiresAt' | 'roleIds'>,
) =>
  appendEvent(ctx, {
    kind: `access_token.${what}`,
    projectId,
    resourceKind: 'access_token',
    resourceId: id,
    data: { userId, consumerId },
  })
