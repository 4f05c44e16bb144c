import type { z } from 'zod'
import {
  boundBy,
  demandRoom,
  lockUser,
  newId,
  reachesElsewhere,
  refuseDelegation,
  roleRefs,
  rolesAt,
  sessionEnded,
  userRef,
} from '../../directory/service.ts'
import { deleteTokensByTrust } from '../../identity/service.ts'
import { type Ctx, inTransaction, isAdmin, seesAll } from '../../kernel/context.ts'
import { invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import { futureMoment, rolesToHandOn } from '../delegable.ts'
import { exactMoment, microsOf } from '../moments.ts'
import type { TrustInput, TrustView, trustListInput } from './contract.ts'
import { redelegated } from './redelegation.ts'
import { goodTrust, type TrustRow, trustColumns } from './rows.ts'

const mostPerUser = 200

/**
 * Lists, by id, the trusts that the caller gave, holds or has handed on; for administrators and readers of the system,
 * all trusts of the cloud.
 */
export async function listTrusts(
  ctx: Ctx,
  input: z.output<typeof trustListInput>,
): Promise<{ items: TrustView[]; truncated: boolean }> {
  authorize(ctx, 'identity:list_trusts')
  const { userId } = ctx.actor
  const rows = await ctx.db.trust.findMany({
    where: { AND: [goodTrust(), seesAll(ctx) ? {} : await involving(ctx, userId), input] },
    orderBy: { id: 'asc' },
    take: 1001,
    select: trustColumns,
  })
  return { items: await toTrustViews(ctx, rows.slice(0, 1000)), truncated: rows.length > 1000 }
}

/**
 * Matches the trusts that a user gave, holds or has handed on. The last are matched by ids, so that the query can use
 * indexes.
 */
async function involving(ctx: Ctx, userId: string) {
  const held = await ctx.db.trust.findMany({ where: { trusteeId: userId }, select: { id: true } })
  const handedOn = { redelegatedTrustId: { in: held.map(({ id }) => id) } }
  return { OR: [{ trustorId: userId }, { trusteeId: userId }, handedOn] }
}

export async function getTrust(ctx: Ctx, input: { id: string }): Promise<TrustView> {
  return viewOf(ctx, await load(ctx, input.id))
}

/** The trustor, the trustee and the user who handed the trust on see it; for others it does not exist (R2). */
async function load(ctx: Ctx, id: string): Promise<TrustRow> {
  const row = await ctx.db.trust.findFirst({ where: { AND: [goodTrust(), { id }] }, select: trustColumns })
  const sees = (userId: string) => decide(ctx, 'identity:get_trust', { userId }).allowed
  const involved = row ? [row.trustorId, row.trusteeId, row.redelegatedFrom?.trusteeId ?? ''] : []
  if (!row || !involved.some(sees)) throw notFound('trust', id)
  return row
}

/**
 * Gives roles that the caller holds in the project of the session now. By a session of a trust that allows
 * redelegation, hands on what that trust gives and nothing more.
 */
export async function createTrust(ctx: Ctx, input: TrustInput): Promise<TrustView> {
  authorize(ctx, 'identity:create_trust', { userId: input.trustorId })
  if (!(await userRef(ctx, input.trusteeId))) throw notFound('user', input.trusteeId)
  const made =
    ctx.actor.delegation?.kind === 'trust' ? await redelegated(ctx, input) : await firstHand(ctx, input)
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, made.trustorId)
    const count = await tx.db.trust.count({ where: { trustorId: made.trustorId, deletedAt: null } })
    demandRoom(count, mostPerUser, 'trusts')
    const row = await tx.db.trust.create({ data: { ...made, id: newId() }, select: trustColumns })
    await told(tx, 'created', row)
    return viewOf(tx, row)
  })
}

async function firstHand(ctx: Ctx, input: TrustInput) {
  refuseDelegation(ctx, 'make trusts')
  const projectId = input.projectId ?? null
  if ((projectId === null) !== (input.roles.length === 0))
    throw invalidInput('A trust names a project together with roles, or neither.', 'roles')
  const roles = projectId === null ? [] : await rolesToHandOn(ctx, await rolesIn(ctx, projectId), input.roles)
  const bound = boundBy(ctx, futureMoment(input.expiresAt, 'expires_at'))
  const count = input.allowRedelegation ? (input.redelegationCount ?? 3) : 0
  if (count > 0 && input.remainingUses != null)
    throw invalidInput('A trust that may be handed on has no number of uses.', 'remaining_uses')
  return {
    trustorId: input.trustorId,
    trusteeId: input.trusteeId,
    projectId,
    impersonation: input.impersonation,
    expiresAt: bound.expiresAt,
    expiresMicros: microsOf(input.expiresAt),
    applicationCredentialId: bound.id,
    remainingUses: input.remainingUses ?? null,
    allowRedelegation: count > 0,
    redelegationCount: count,
    roles: { create: roles.map((roleId) => ({ roleId })) },
  }
}

/** The roles that a token of the caller for the project would have. Throws not_found where there are none (R2). */
async function rolesIn(ctx: Ctx, projectId: string): Promise<ReadonlySet<string>> {
  const { scope, actor } = ctx
  if (scope.kind === 'project' && scope.projectId === projectId) return ctx.roles
  const roles = reachesElsewhere(ctx) ? await rolesAt(ctx, actor.userId, { projectId }) : new Set<string>()
  if (roles.size === 0) throw notFound('project', projectId)
  return roles
}

/**
 * A trust is deleted by its trustor, by the user who handed it on, or by an administrator. Trusts and tokens made from
 * it end at once.
 */
export async function deleteTrust(ctx: Ctx, input: { id: string }): Promise<void> {
  const row = await load(ctx, input.id)
  const { userId } = ctx.actor
  if (row.redelegatedFrom?.trusteeId !== userId)
    authorize(ctx, 'identity:delete_trust', { userId: row.trustorId })
  if (!isAdmin(ctx)) refuseDelegation(ctx, 'delete trusts')
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, row.trustorId)
    const gone = { OR: [{ id: row.id }, { chain: { has: row.id } }] }
    const rows = await tx.db.trust.findMany({ where: gone, select: { id: true } })
    const ids = rows.map((trust) => trust.id)
    await tx.db.trust.updateMany({ where: { id: { in: ids } }, data: { deletedAt: new Date() } })
    await deleteTokensByTrust(tx, ids)
    await sessionEnded(tx, { userId: row.trusteeId }, 'trust deleted')
    await sessionEnded(tx, { userId: row.trustorId }, 'trust deleted')
    await told(tx, 'deleted', row)
  })
}

const told = (ctx: Ctx, what: 'created' | 'deleted', { id, trustorId, trusteeId, projectId }: TrustRow) =>
  appendEvent(ctx, {
    kind: `trust.${what}`,
    projectId,
    resourceKind: 'trust',
    resourceId: id,
    data: { trustorId, trusteeId },
  })

async function viewOf(ctx: Ctx, row: TrustRow): Promise<TrustView> {
  const [view] = await toTrustViews(ctx, [row])
  if (!view) throw notFound('trust', row.id)
  return view
}

/** Takes one more query, for the names of the roles. */
async function toTrustViews(ctx: Ctx, rows: readonly TrustRow[]): Promise<TrustView[]> {
  const named = await roleRefs(
    ctx,
    rows.flatMap((row) => row.roles.map(({ roleId }) => roleId)),
  )
  return rows.map((row) => ({
    id: row.id,
    trustorId: row.trustorId,
    trusteeId: row.trusteeId,
    projectId: row.projectId,
    roles: named(row.roles.map(({ roleId }) => roleId)).map(({ id, name }) => ({ id, name })),
    impersonation: row.impersonation,
    expiresAt: exactMoment(row.expiresAt, row.expiresMicros),
    remainingUses: row.remainingUses,
    redelegationCount: row.redelegationCount,
    redelegatedTrustId: row.redelegatedTrustId,
  }))
}
