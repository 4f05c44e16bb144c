import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page, pageInput } from '../../kernel/contract.ts'
import { CloudError, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import type { Fact } from '../../kernel/facts.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { releaseQuota, reserveQuota, userOwner } from '../../quota/service.ts'
import type { KeyPairCreated, KeyPairView, keyPairCreateInput } from '../contract.ts'
import { requireUserQuota } from '../user-quotas/service.ts'
import { generatePair, parsePublicKey, sha256Of } from './openssh.ts'
import { type KeyPairRow, ownerOf, queryKeyPairs, sortableKeyPairs } from './queries.ts'

const viewOf = (row: KeyPairRow): KeyPairView => ({
  id: row.id,
  userId: row.userId,
  name: row.name,
  type: row.publicKey.trim().split(/\s/, 1)[0] ?? 'ssh',
  fingerprint: row.fingerprint,
  sha256: sha256Of(row.publicKey),
  publicKey: row.publicKey,
  createdAt: row.createdAt.toISOString(),
})
/** The owner of the limit: the project of the token says how many key pairs a user may have. */
const limitsOf = (ctx: Ctx, userId: string) =>
  ctx.scope.kind === 'project' ? ctx.scope.projectId : userOwner(userId)

/** Lists the caller's own key pairs, in whichever project; nobody sees another user's key pairs here. */
export async function listKeyPairs(ctx: Ctx, input: z.output<typeof pageInput>): Promise<Page<KeyPairView>> {
  const slice = await queryKeyPairs(ctx, {
    where: { search: input.search },
    ...askOf(input, sortableKeyPairs),
  })
  return pageView(slice, slice.rows.map(viewOf))
}

/**
 * Returns one page for OpenStack's clients, sorted by name; `marker` is a name. Throws invalid_input when that key pair
 * is gone.
 */
export async function findKeyPairs(
  ctx: Ctx,
  query: { userId?: string; limit: number; marker?: string },
): Promise<{ pairs: KeyPairView[]; more: boolean }> {
  const userId = ownerOf(ctx, query.userId, false)
  const { marker } = query
  const last = marker === undefined ? undefined : await byName(ctx, userId, marker)
  if (last === null) throw invalidInput(`Marker ${marker?.slice(0, 100)} could not be found.`)
  const { rows, next } = await queryKeyPairs(ctx, {
    where: { userId },
    sort: [{ field: 'name', dir: 'asc' }],
    page: { limit: query.limit, marker: last?.id },
  })
  return { pairs: rows.map(viewOf), more: next !== null }
}

/** Returns a key pair by its name. Throws not_found when the user has no key pair of that name. */
export async function getKeyPair(ctx: Ctx, input: { name: string; userId?: string }): Promise<KeyPairView> {
  authorize(ctx, 'compute:list_key_pairs')
  const row = await byName(ctx, ownerOf(ctx, input.userId, false), input.name)
  if (!row) throw notFound('key pair', input.name)
  return viewOf(row)
}
const byName = (ctx: Ctx, userId: string, name: string) =>
  ctx.db.keyPair.findUnique({ where: { userId_name: { userId, name } } })

/**
 * The caller's public key of that name, as the line that a launch gives its guest; null when the caller has no key pair
 * of that name.
 */
export function keyPairFact(ctx: Ctx, name: string): Fact<{ name: string; publicKey: string } | null> {
  return {
    sql: Prisma.sql`SELECT jsonb_build_object('name', k."name", 'publicKey', k."publicKey") FROM "KeyPair" k
      WHERE k."userId" = ${ctx.actor.userId} AND k."name" = ${name}`,
    read(value) {
      const found = value as { name: string; publicKey: string } | null
      return found && { ...found, publicKey: parsePublicKey(found.publicKey).publicKey }
    },
  }
}

/**
 * Imports `publicKey`, whose text is kept unchanged because clients compare it; without `publicKey`, makes an ed25519
 * pair whose private key is in this answer and nowhere else.
 */
export async function createKeyPair(
  ctx: Ctx,
  input: z.output<typeof keyPairCreateInput> & { userId?: string },
): Promise<KeyPairCreated> {
  authorize(ctx, 'compute:create_key_pair')
  const made =
    input.publicKey === undefined
      ? generatePair(input.name)
      : { ...parsePublicKey(input.publicKey), publicKey: input.publicKey, privateKey: null }
  const userId = ownerOf(ctx, input.userId, true)
  const id = crypto.randomUUID()
  return inTransaction(ctx, async (tx) => {
    await reserveQuota(tx, userOwner(userId), { keyPairs: 1 }, limitsOf(tx, userId))
    const { publicKey, fingerprint } = made
    const row = await tx.db.keyPair.create({
      data: { id, userId, name: input.name, publicKey, fingerprint },
    })
    const { scope } = tx
    if (scope.kind === 'project')
      await requireUserQuota(tx, { projectId: scope.projectId, userId }, 'keyPairs')
    await noteKeyPair(tx, row, 'created')
    return { ...viewOf(row), privateKey: made.privateKey }
  })
}

/** Deletes a key pair. Instances keep the key that they were launched with. */
export async function deleteKeyPair(
  ctx: Ctx,
  input: { name: string; userId?: string },
): Promise<KeyPairView> {
  const userId = ownerOf(ctx, input.userId, true)
  if (userId === ctx.actor.userId) authorize(ctx, 'compute:delete_key_pair', { userId })
  return inTransaction(ctx, async (tx) => {
    const row = await tx.db.keyPair.findUnique({ where: { userId_name: { userId, name: input.name } } })
    if (!row) throw notFound('key pair', input.name)
    await releaseQuota(tx, userOwner(userId), { keyPairs: 1 })
    const { count } = await tx.db.keyPair.deleteMany({ where: { id: row.id } })
    if (count === 0) throw new CloudError('not_found', notFound('key pair', input.name).message)
    await noteKeyPair(tx, row, 'deleted')
    return viewOf(row)
  })
}

async function noteKeyPair(ctx: Ctx, row: KeyPairRow, what: 'created' | 'deleted'): Promise<void> {
  await appendEvent(ctx, {
    kind: `keyPair.${what}`,
    projectId: ctx.scope.kind === 'project' ? ctx.scope.projectId : null,
    resourceKind: 'keyPair',
    resourceId: row.id,
    data: { name: row.name, userId: row.userId },
  })
}
