import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, projectOf, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { type Fact, readFacts } from '../../kernel/facts.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import type { GroupPolicy, ServerGroupView, serverGroupListInput } from '../contract.ts'
import type { GroupRule } from '../scheduler/judge.ts'
import { requireUserQuota } from '../user-quotas/service.ts'
import {
  newestGroups,
  queryServerGroups,
  type ServerGroupRow,
  sortableServerGroups,
  withMembers,
} from './queries.ts'

export type { GroupRule }
/** Most members that one server group may have. */
export const maxMembers = 1000

const viewOf = (row: ServerGroupRow): ServerGroupView => ({
  id: row.id,
  name: row.name,
  policy: row.policy as GroupPolicy,
  maxPerHost: row.maxPerHost,
  projectId: row.projectId,
  userId: row.userId,
  members: row.instances,
  createdAt: row.createdAt.toISOString(),
})

/** Lists server groups for OpenStack's clients, newest first. */
export async function listServerGroups(
  ctx: Ctx,
  input: { allProjects?: boolean; limit: number; offset: number },
): Promise<ServerGroupView[]> {
  const { allProjects, limit, offset } = input
  const { rows } = await queryServerGroups(ctx, {
    where: { allProjects },
    sort: newestGroups,
    page: { limit, skip: offset },
  })
  return rows.map(viewOf)
}

/** Returns one page for the portal. */
export async function serverGroupPage(
  ctx: Ctx,
  input: z.output<typeof serverGroupListInput>,
): Promise<Page<ServerGroupView>> {
  projectOf(ctx)
  const slice = await queryServerGroups(ctx, {
    where: input,
    ...askOf(input, sortableServerGroups, newestGroups),
  })
  return pageView(slice, slice.rows.map(viewOf))
}

/** The name of a group for the page of an instance in the group: a caller who sees the instance may see the group. */
export const serverGroupName = (ctx: Ctx, id: string): Promise<{ id: string; name: string } | null> =>
  ctx.db.serverGroup.findUnique({ where: { id }, select: { id: true, name: true } })

export async function getServerGroup(ctx: Ctx, input: { id: string }): Promise<ServerGroupView> {
  return viewOf(await load(ctx, 'compute:get_server_group', input.id))
}

export async function createServerGroup(
  ctx: Ctx,
  input: { name: string; policy: GroupPolicy; maxPerHost?: number },
): Promise<ServerGroupView> {
  const projectId = projectOf(ctx)
  authorize(ctx, 'compute:create_server_group', { projectId })
  if (input.maxPerHost !== undefined && input.policy !== 'anti-affinity')
    throw invalidInput('max_server_per_host is for the policy anti-affinity alone.')
  return inTransaction(ctx, async (tx) => {
    await reserveQuota(tx, projectId, { serverGroups: 1 })
    const row = await tx.db.serverGroup.create({
      data: { id: crypto.randomUUID(), projectId, userId: ctx.actor.userId, ...input },
      include: withMembers,
    })
    await requireUserQuota(tx, row, 'serverGroups')
    await note(tx, row, 'create')
    return viewOf(row)
  })
}

/** Deletes a group. Its members stay, and are in no group any more. */
export async function deleteServerGroup(ctx: Ctx, input: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await lockGroup(tx, input.id)
    const row = await load(tx, 'compute:delete_server_group', input.id)
    await tx.db.serverGroup.delete({ where: { id: row.id } })
    await releaseQuota(tx, row.projectId, { serverGroups: 1 })
    await note(tx, row, 'delete')
  })
}

/**
 * Locks a group, so that launches into it happen one after the other: each launch must see where the others were
 * placed. Call this in a transaction.
 */
export async function lockGroup(ctx: Ctx, id: string): Promise<void> {
  await ctx.db.$queryRaw`SELECT 1 FROM "ServerGroup" WHERE "id" = ${id}::uuid FOR UPDATE`
}

/**
 * The rule of a group that the scheduler needs; only groups of the project `projectId` are found. The instance
 * `without` does not count as a member.
 */
export async function groupRule(
  ctx: Ctx,
  id: string,
  of: { projectId?: string; without?: string } = {},
): Promise<GroupRule> {
  return (await readFacts(ctx, { rule: groupRuleFact(ctx, id, of) })).rule
}

/**
 * The same as `groupRule`, for a caller who reads more facts at the same moment. Reading the fact throws invalid_input
 * when the group does not exist.
 */
export function groupRuleFact(
  ctx: Ctx,
  id: string,
  { projectId = projectOf(ctx), without }: { projectId?: string; without?: string } = {},
): Fact<GroupRule> {
  return {
    sql: Prisma.sql`SELECT jsonb_build_object('policy', g."policy", 'maxPerHost', g."maxPerHost",
      'members', (SELECT COALESCE(jsonb_agg(to_jsonb(m)), '[]') FROM (
        SELECT i."hostId", count(*)::int AS "count" FROM "Instance" i
        WHERE i."serverGroupId" = g."id" AND i."id" IS DISTINCT FROM ${without ?? null}::uuid GROUP BY i."hostId") m))
      FROM "ServerGroup" g WHERE g."id" = ${id}::uuid AND g."projectId" = ${projectId}`,
    read(value) {
      type Found = {
        policy: GroupPolicy
        maxPerHost: number | null
        members: { hostId: string | null; count: number }[]
      }
      const found = value as Found | null
      if (!found) throw invalidInput(`Instance group ${id} could not be found.`, 'serverGroupId')
      const total = found.members.reduce((sum, { count }) => sum + count, 0)
      if (total >= maxMembers) throw conflict(`The group has ${total} members, and no more are allowed.`)
      return {
        policy: found.policy,
        maxPerHost: found.maxPerHost ?? 1,
        members: new Map(
          found.members.flatMap(({ hostId, count }) => (hostId === null ? [] : [[hostId, count]])),
        ),
      }
    },
  }
}

async function load(ctx: Ctx, policy: string, id: string): Promise<ServerGroupRow> {
  const row = await ctx.db.serverGroup.findFirst({ where: { id, ...visible(ctx) }, include: withMembers })
  if (!row) throw notFound('instance group', id)
  authorize(ctx, policy, row)
  return row
}

const note = (ctx: Ctx, row: ServerGroupRow, verb: 'create' | 'delete') =>
  recordOperation(ctx, {
    id: crypto.randomUUID(),
    action: `serverGroup.${verb}`,
    resourceKind: 'serverGroup',
    resourceId: row.id,
    resourceName: row.name,
    projectId: row.projectId,
  })
