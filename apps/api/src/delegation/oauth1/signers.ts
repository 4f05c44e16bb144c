import { createHash } from 'node:crypto'
import { unseal } from '../../identity/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import { isSignedBy, type OAuthRequest, timestampOf, toleranceMs } from './signature.ts'

/** A consumer, and what he signs with beside his own secret: nothing, a request token or an access token. */
export type Signer = {
  consumer: { id: string; secret: string }
  token: { id: string; secret: string } | null
}

/**
 * Is the request this signer's, and the first with its nonce? Somebody who is not there (null) costs the same
 * work as a wrong signature.
 */
export async function isFrom(ctx: Ctx, request: OAuthRequest, signer: Signer | null): Promise<boolean> {
  const open = (row: { id: string; secret: string } | null | undefined) =>
    row ? unseal(ctx, row.id, row.secret) : ''
  const consumer = signer ? open(signer.consumer) : 'nobody has this one'
  const token = open(signer?.token)
  const holds = isSignedBy(request, { consumer: consumer ?? '', token: token ?? '' })
  // A secret that was sealed by another key is nobody's.
  return holds && signer !== null && consumer !== null && token !== null && spendNonce(ctx, request)
}

/** Only right signatures come here, so that nobody else fills the table. False for one that was seen before. */
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

/** What has run out is dead already; this only keeps the tables small. */
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
