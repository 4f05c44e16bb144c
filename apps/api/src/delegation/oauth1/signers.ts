import { createHash } from 'node:crypto'
import { unseal } from '../../identity/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import { isSignedBy, type OAuthRequest, timestampOf, toleranceMs } from './signature.ts'

/** A consumer, and the token whose secret signs beside the consumer's own: none, a request token or an access token. */
export type Signer = {
  consumer: { id: string; secret: string }
  token: { id: string; secret: string } | null
}

/**
 * Tells whether the request is this signer's, and the first with its nonce. An unknown signer (null) takes the same
 * work as a wrong signature.
 */
export async function isFrom(ctx: Ctx, request: OAuthRequest, signer: Signer | null): Promise<boolean> {
  const open = (row: { id: string; secret: string } | null | undefined) =>
    row ? unseal(ctx, row.id, row.secret) : ''
  const consumer = signer ? open(signer.consumer) : 'nobody has this one'
  const token = open(signer?.token)
  const holds = isSignedBy(request, { consumer: consumer ?? '', token: token ?? '' })
  // A secret that was sealed under another key matches no signature.
  return holds && signer !== null && consumer !== null && token !== null && spendNonce(ctx, request)
}

/**
 * Remembers a nonce; false when it was used before. Only requests with a right signature come here, so nobody else can
 * fill the table.
 */
async function spendNonce(ctx: Ctx, { parameters }: OAuthRequest): Promise<boolean> {
  const parts = ['oauth_consumer_key', 'oauth_token', 'oauth_timestamp', 'oauth_nonce']
  const text = JSON.stringify(parts.map((name) => parameters.get(name) ?? ''))
  const hash = createHash('sha256').update(text).digest('hex')
  const expiresAt = new Date((timestampOf(parameters) ?? 0) + toleranceMs + 60_000)
  const { count } = await ctx.deps.root.oAuthNonce.createMany({
    data: { hash, expiresAt },
    skipDuplicates: true,
  })
  return count === 1
}

/** Expired rows are not valid any more; deleting them only keeps the tables small. */
export const oauthExpiry: Reconciler = {
  name: 'delegation.expired-oauth',
  everyMs: 60_000,
  run: dropOldOAuth,
}

async function dropOldOAuth(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`DELETE FROM "OAuthNonce" WHERE "hash" IN (
    SELECT "hash" FROM "OAuthNonce" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
  await ctx.db.$executeRaw`DELETE FROM "OAuthRequestToken" WHERE "id" IN (
    SELECT "id" FROM "OAuthRequestToken" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
  await ctx.db.$executeRaw`DELETE FROM "OAuthAccessToken" WHERE "id" IN (
    SELECT "id" FROM "OAuthAccessToken" WHERE "expiresAt" < clock_timestamp() LIMIT 10000)`
}
