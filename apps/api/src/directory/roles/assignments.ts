import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../../kernel/errors.ts'
import { whole } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import { assignmentKey, type RoleHolder, type RoleTarget, targetColumns } from '../assignment-key.ts'
import { sessionEnded } from '../ending.ts'
import { loadProject } from '../projects/service.ts'
import { directoryEvent } from '../reach.ts'
import { loadGroup } from '../users/groups.ts'
import { loadUser } from '../users/load.ts'
import type { GrantInput, grantInput, RoleView } from './contract.ts'
import { demandMayGrant } from './granting.ts'
import { loadRole, rolesById } from './service.ts'

type Grant = z.output<typeof grantInput>
type Checked = {
  holder: RoleHolder
  target: RoleTarget
  role: { id: string; name: string }
  inherited: boolean
  key: string
}

/** Gives the role, unless the holder has it already. The caller must hold every right that the role gives. */
export async function grantRole(ctx: Ctx, input: GrantInput): Promise<void> {
  const grant = await checked(ctx, input)
  await demandHolderInReach(ctx, input)
  await demandMayGrant(ctx, grant.role)
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.roleAssignment.createMany({
      data: [
        {
          id: randomUUID(),
          key: grant.key,
          ...('userId' in grant.holder ? { userId: grant.holder.userId } : { groupId: grant.holder.groupId }),
          roleId: grant.role.id,
          ...targetColumns(grant.target),
          inherited: grant.inherited,
        },
      ],
      skipDuplicates: true,
    })
    if (count > 0) await holderEvent(tx, grant)
  })
}

/** Removes an assignment; returns whether there was one. Rights shrink with the next request. */
export async function revokeRole(ctx: Ctx, input: GrantInput): Promise<boolean> {
  const grant = await checked(ctx, input)
  await demandMayGrant(ctx, grant.role)
  return inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.roleAssignment.deleteMany({ where: { key: grant.key } })
    if (count === 0) return false
    const who = 'userId' in grant.holder ? { userId: grant.holder.userId } : { everyone: true as const }
    await sessionEnded(tx, who, 'role removed')
    await holderEvent(tx, grant)
    return true
  })
}

/** Tells whether exactly this assignment exists, not whether the holder has the right in another way. */
export async function hasGrant(ctx: Ctx, input: GrantInput): Promise<boolean> {
  const { key } = await checked(ctx, input, 'identity:list_role_assignments')
  return (await ctx.db.roleAssignment.findUnique({ where: { key }, select: { id: true } })) !== null
}

/** Roles that the holder was given at this place, not through a group or from above. */
export async function grantedRoles(ctx: Ctx, input: Omit<GrantInput, 'roleId'>): Promise<RoleView[]> {
  const { target } = await targetOf(ctx, input, 'identity:list_role_assignments')
  const holder = await holderOf(ctx, input)
  const rows = await ctx.db.roleAssignment.findMany({
    where: { ...holder, ...targetColumns(target), inherited: input.inherited ?? false },
    select: { roleId: true },
    take: 1001,
  })
  return rolesById(
    ctx,
    whole(rows, 1000, 'Ask for one role of this user or group.').map((row) => row.roleId),
  )
}

/**
 * Checks the role and the place: what the caller does not see does not exist, and what they see but may not change is
 * forbidden.
 */
async function checked(ctx: Ctx, input: GrantInput, action = 'identity:assign_role'): Promise<Checked> {
  const { userId, groupId, inherited = false } = input
  const { target, domainId } = await targetOf(ctx, input, action)
  const role = await loadRole(ctx, input.roleId)
  if (role.domainId !== null && role.domainId !== domainId)
    throw new CloudError('forbidden', `The role ${role.name} belongs to another domain and holds only there.`)
  const holder = await holderOf(ctx, { userId, groupId })
  if (inherited && 'system' in target)
    throw invalidInput(
      'A role on the system cannot be inherited, because no projects are below the system.',
      'inherited',
    )
  return { holder, target, role, inherited, key: assignmentKey(holder, target, role.id, inherited) }
}

async function targetOf(
  ctx: Ctx,
  input: Pick<Grant, 'projectId' | 'domainId' | 'system'>,
  action: string,
): Promise<{ target: RoleTarget; domainId: string | null }> {
  if (input.projectId !== undefined) {
    const { id, domainId, deleting } = await loadProject(ctx, input.projectId, action)
    if (deleting) throw notFound('project', id)
    return { target: { projectId: id }, domainId }
  }
  if (input.domainId !== undefined) {
    const row = await ctx.db.domain.findUnique({
      where: { id: input.domainId, deleting: false },
      select: { id: true },
    })
    const domainId = input.domainId
    if (!row || !decide(ctx, 'identity:get_domain', { domainId }).allowed) throw notFound('domain', domainId)
    authorize(ctx, action, { domainId })
    return { target: { domainId }, domainId }
  }
  authorize(ctx, action, { domainId: null })
  return { target: { system: true }, domainId: null }
}

async function holderOf(ctx: Ctx, input: Pick<Grant, 'userId' | 'groupId'>): Promise<RoleHolder> {
  // A caller who may remove a role may name every holder, of every domain.
  if (input.userId !== undefined) {
    const row = await ctx.db.user.findUnique({ where: { id: input.userId }, select: { id: true } })
    if (!row) throw notFound('user', input.userId)
    return { userId: row.id }
  }
  const id = input.groupId ?? ''
  const row = await ctx.db.group.findUnique({ where: { id }, select: { id: true } })
  if (!row) throw notFound('group', id)
  return { groupId: row.id }
}

/** Administrators of a domain give roles to users and groups of that domain only; others do not exist for them. */
async function demandHolderInReach(ctx: Ctx, input: GrantInput): Promise<void> {
  if (input.userId !== undefined) await loadUser(ctx, input.userId)
  else await loadGroup(ctx, input.groupId ?? '')
}

const holderEvent = (ctx: Ctx, { holder }: Checked) =>
  'userId' in holder
    ? directoryEvent(ctx, 'user', 'updated', holder.userId)
    : directoryEvent(ctx, 'group', 'updated', holder.groupId)
