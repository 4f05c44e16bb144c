import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, notFound } from '../../kernel/errors.ts'
import { byName, pageOf } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { directoryEvent, domainFilter, lockDomain, nameClauses, ownDomain, seen } from '../reach.ts'
import { demandMayShare } from '../roles/granting.ts'
import type { GroupListInput, GroupView, groupInput, groupUpdateInput, membershipInput } from './contract.ts'
import { loadUser } from './service.ts'

const included = {
  domain: { select: { name: true } },
  _count: { select: { members: true } },
} satisfies Prisma.GroupInclude
type Row = Prisma.GroupGetPayload<{ include: typeof included }>

const toView = (row: Row): GroupView => ({
  id: row.id,
  name: row.name,
  domainId: row.domainId,
  domainName: row.domain.name,
  description: row.description,
  extra: row.extra as Extra,
  members: row._count.members,
  createdAt: row.createdAt.toISOString(),
})

/** With `userId`: the groups that he is in; everyone may ask for his own. */
export async function listGroups(ctx: Ctx, input: GroupListInput): Promise<Page<GroupView>> {
  const { userId } = input
  const where: Prisma.GroupWhereInput = {
    AND: [
      userId === undefined
        ? domainFilter(ctx, 'identity:list_groups', input.domainId)
        : { members: { some: { userId } }, ...(input.domainId ? { domainId: input.domainId } : {}) },
      ...nameClauses(input, ['description']),
    ],
  }
  if (userId !== undefined) await loadUser(ctx, userId, 'identity:list_groups_of_user')
  const { domain } = included
  const page = await pageOf<Omit<Row, '_count'>>(ctx.db.group, input, where, {
    include: { domain },
    sortable: { ...byName, domain: [{ field: 'domain.name' }, { field: 'name' }] },
  })
  const members = await memberCounts(
    ctx,
    page.items.map((row) => row.id),
  )
  const items = page.items.map((row) => toView({ ...row, _count: { members: members.get(row.id) ?? 0 } }))
  return { ...page, items }
}

/** Of the groups of a page alone: Prisma's own count beside a list goes through all memberships. */
async function memberCounts(ctx: Ctx, groupIds: string[]): Promise<Map<string, number>> {
  const rows = await ctx.db.groupMember.groupBy({
    by: ['groupId'],
    where: { groupId: { in: groupIds } },
    _count: true,
  })
  return new Map(rows.map((row) => [row.groupId, row._count]))
}

export async function getGroup(ctx: Ctx, input: { id: string }): Promise<GroupView> {
  return toView(await loadGroup(ctx, input.id))
}

export async function loadGroup(ctx: Ctx, id: string, action?: string): Promise<Row> {
  const row = await ctx.db.group.findUnique({ where: { id }, include: included })
  const target = (group: Row) => ({ domainId: group.domainId })
  return seen(ctx, { kind: 'group', id, row, target, read: 'identity:get_group' }, action)
}

export async function createGroup(ctx: Ctx, input: z.input<typeof groupInput>): Promise<GroupView> {
  const domainId = input.domainId ?? ownDomain(ctx)
  authorize(ctx, 'identity:create_group', { domainId })
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    await demandFreeName(tx, domainId, input.name)
    const { name, description = '', extra = {} } = input
    const row = await tx.db.group.create({
      data: { id: newId(), domainId, name, description, extra },
      include: included,
    })
    await directoryEvent(tx, 'group', 'created', row.id, { name })
    return toView(row)
  })
}

export async function updateGroup(ctx: Ctx, input: z.output<typeof groupUpdateInput>): Promise<GroupView> {
  const before = await loadGroup(ctx, input.id, 'identity:update_group')
  if (before.externalId !== null)
    throw new CloudError('forbidden', 'This group is kept in another directory. Change it there.')
  const { id, ...changes } = input
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, before.domainId)
    if (changes.name !== undefined && changes.name !== before.name)
      await demandFreeName(tx, before.domainId, changes.name)
    const row = await tx.db.group.update({ where: { id }, data: changes, include: included })
    await directoryEvent(tx, 'group', 'updated', id)
    return toView(row)
  })
}

/** With its assignments: what its members had by it ends at once. */
export async function deleteGroup(ctx: Ctx, input: { id: string }): Promise<GroupView> {
  const group = await loadGroup(ctx, input.id, 'identity:delete_group')
  await demandMayShare(ctx, group)
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.group.deleteMany({ where: { id: group.id } })
    if (count === 0) throw notFound('group', group.id)
    await sessionEnded(tx, { everyone: true }, 'group deleted')
    await directoryEvent(tx, 'group', 'deleted', group.id)
    return toView(group)
  })
}

type Membership = z.output<typeof membershipInput>
/** There already is fine. Both are of domains that the caller may administer. */
export async function addGroupMember(ctx: Ctx, input: Membership): Promise<void> {
  const group = await loadGroup(ctx, input.groupId, 'identity:change_group_members')
  const user = await loadUser(ctx, input.userId)
  authorize(ctx, 'identity:change_group_members', { domainId: user.domainId })
  demandLocal(group)
  await demandMayShare(ctx, group)
  await inTransaction(ctx, async (tx) => {
    await tx.db.groupMember.createMany({ data: [input], skipDuplicates: true })
    await directoryEvent(tx, 'group', 'updated', group.id)
    await directoryEvent(tx, 'user', 'updated', input.userId)
  })
}

/** Throws not_found when he is not in it. What he had by it ends at once. */
export async function removeGroupMember(ctx: Ctx, input: Membership): Promise<void> {
  const group = await loadGroup(ctx, input.groupId, 'identity:change_group_members')
  demandLocal(group)
  await demandMayShare(ctx, group)
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.groupMember.deleteMany({ where: input })
    if (count === 0) throw notFound('member', input.userId)
    await sessionEnded(tx, { userId: input.userId }, 'removed from a group')
    await directoryEvent(tx, 'group', 'updated', group.id)
  })
}

/** Is the user in the group? For those who may look at either. */
export async function isGroupMember(ctx: Ctx, input: Membership): Promise<boolean> {
  await loadUser(ctx, input.userId)
  const own = input.userId === ctx.actor.userId
  if (!own || decide(ctx, 'identity:list_groups', { domainId: null }).allowed)
    await loadGroup(ctx, input.groupId)
  return (await ctx.db.groupMember.count({ where: input })) > 0
}

function demandLocal(group: Row): void {
  if (group.externalId !== null)
    throw new CloudError(
      'forbidden',
      'The members of this group are kept in another directory. Change them there.',
    )
}

async function demandFreeName(ctx: Ctx, domainId: string, name: string): Promise<void> {
  const where = { domainId_name: { domainId, name } }
  if (await ctx.db.group.findUnique({ where })) throw alreadyExists('group', name)
}
