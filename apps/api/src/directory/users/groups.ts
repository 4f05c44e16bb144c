import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, notFound } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { directoryEvent, lockDomain, oldest, ownDomain, seen } from '../reach.ts'
import { demandMayShare } from '../roles/granting.ts'
import type { GroupListInput, GroupView, groupInput, groupUpdateInput, membershipInput } from './contract.ts'
import { loadUser } from './load.ts'
import { type GroupRow, queryGroups, sortableGroups, withMembers } from './queries.ts'

const toView = (row: GroupRow): GroupView => ({
  id: row.id,
  name: row.name,
  domainId: row.domainId,
  domainName: row.domain.name,
  description: row.description,
  extra: row.extra as Extra,
  members: row._count.members,
  createdAt: row.createdAt.toISOString(),
})

/** With `userId`, lists the groups of that user; all users may list their own. */
export async function listGroups(ctx: Ctx, input: GroupListInput): Promise<Page<GroupView>> {
  const slice = await queryGroups(ctx, { where: input, ...askOf(input, sortableGroups) })
  return pageView(slice, slice.rows.map(toView))
}

/** The groups for OpenStack's clients; `next` says that there are more. */
export async function findGroups(
  ctx: Ctx,
  input: GroupListInput,
): Promise<Pick<Page<GroupView>, 'items' | 'next'>> {
  const { rows, next } = await queryGroups(ctx, { where: input, ...oldest(input.limit) })
  return { items: rows.map(toView), next }
}

export async function getGroup(ctx: Ctx, input: { id: string }): Promise<GroupView> {
  return toView(await loadGroup(ctx, input.id))
}

export async function loadGroup(ctx: Ctx, id: string, action?: string): Promise<GroupRow> {
  const row = await ctx.db.group.findUnique({ where: { id }, include: withMembers })
  const target = (group: GroupRow) => ({ domainId: group.domainId })
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
      include: withMembers,
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
    const row = await tx.db.group.update({ where: { id }, data: changes, include: withMembers })
    await directoryEvent(tx, 'group', 'updated', id)
    return toView(row)
  })
}

/** Deletes the group with its assignments; the rights that members had through the group end at once. */
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
/** Does nothing when the user is a member already. The caller must administer the domains of both. */
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

/** Throws not_found when the user is not a member. The rights that the user had through the group end at once. */
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

/** Tells whether the user is a member, for callers who may see the user and the group. */
export async function isGroupMember(ctx: Ctx, input: Membership): Promise<boolean> {
  await loadUser(ctx, input.userId)
  const own = input.userId === ctx.actor.userId
  if (!own || decide(ctx, 'identity:list_groups', { domainId: null }).allowed)
    await loadGroup(ctx, input.groupId)
  return (await ctx.db.groupMember.count({ where: input })) > 0
}

function demandLocal(group: GroupRow): void {
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
