import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { asReaderOf, type Ctx, inTransaction, isAdmin, projectOf } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { askOf, pageView, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import {
  type OwnedListInput,
  type ruleCreateInput,
  rulePresets,
  type SecurityGroupView,
  type securityGroupCreateInput,
  type securityGroupUpdateInput,
} from '../contract.ts'
import { ownerOf } from '../owner.ts'
import { numbered } from '../states.ts'
import { groupEvent, loadGroup, loadGroups } from './load.ts'
import { querySecurityGroups } from './queries.ts'
import { normaliseRule, type Rule } from './rules.ts'

const groupInclude = {
  rules: {
    orderBy: [{ direction: 'asc' }, { createdAt: 'asc' }, { ethertype: 'asc' }, { id: 'asc' }],
    include: { remoteGroup: { select: { id: true, name: true } } },
  },
  ports: { include: { port: { select: { id: true, deviceId: true, deviceOwner: true } } } },
} satisfies Prisma.SecurityGroupInclude
type GroupRow = Prisma.SecurityGroupGetPayload<{ include: typeof groupInclude }>
const sortableGroups: Sortable = { name: [{ field: 'name' }], created: [{ field: 'createdAt' }] }

export async function listSecurityGroups(ctx: Ctx, input: OwnedListInput): Promise<Page<SecurityGroupView>> {
  authorize(ctx, 'securityGroup:list')
  const { allProjects, projectId, search } = input
  // A project's default group is made when somebody first looks for groups.
  if (!allProjects && projectId === undefined) await ensureDefaultSecurityGroup(ctx, projectOf(ctx))
  const ask = { where: { allProjects, projectId, search }, ...askOf(input, sortableGroups) }
  const slice = await querySecurityGroups<GroupRow>(ctx, ask, groupInclude)
  return pageView(slice, slice.rows.map(view))
}

export async function getSecurityGroup(ctx: Ctx, input: { id: string }): Promise<SecurityGroupView> {
  await loadGroup(ctx, 'securityGroup:get', input.id)
  const row = await ctx.db.securityGroup.findUnique({ where: { id: input.id }, include: groupInclude })
  if (!row) throw notFound('security group', input.id)
  return view(row)
}

export async function createSecurityGroup(
  ctx: Ctx,
  { projectId: wish, ...input }: z.output<typeof securityGroupCreateInput> & { projectId?: string },
): Promise<SecurityGroupView> {
  const projectId = await ownerOf(ctx, wish)
  authorize(ctx, 'securityGroup:create', { projectId })
  refuseDefaultName(input.name)
  const id = await inTransaction(ctx, (tx) => createGroupRow(tx, projectId, { ...input, isDefault: false }))
  return getSecurityGroup(ctx, { id })
}

/** Scripts and clients find the default group of a project by its name, so no other group may have that name. */
function refuseDefaultName(name: string | undefined): void {
  if (name?.toLowerCase() === 'default')
    throw conflict(
      'Default security group already exists. Choose another name.',
      'securityGroupDefaultAlreadyExists',
    )
}

/** Makes a group whose rules let everything out; in the default group members may also reach each other. */
async function createGroupRow(
  ctx: Ctx,
  projectId: string,
  input: { name: string; description: string; isDefault: boolean },
): Promise<string> {
  const id = crypto.randomUUID()
  const egress = (['IPv4', 'IPv6'] as const).map((ethertype) => ({
    direction: 'egress',
    ethertype,
    remoteGroupId: null as string | null,
  }))
  const ingress = input.isDefault
    ? (['IPv4', 'IPv6'] as const).map((ethertype) => ({ direction: 'ingress', ethertype, remoteGroupId: id }))
    : []
  const rules = [...egress, ...ingress]
  await reserveQuota(ctx, projectId, { securityGroups: 1, securityGroupRules: rules.length })
  await ctx.db.securityGroup.create({ data: { id, projectId, ...input } })
  await ctx.db.securityGroupRule.createMany({
    data: rules.map((rule) => ({ id: crypto.randomUUID(), groupId: id, projectId, ...rule })),
  })
  await recordOperation(ctx, {
    ...historyOf({ id, projectId, name: input.name }, 'securityGroup.create'),
    id: crypto.randomUUID(),
  })
  await groupEvent(ctx, { id, projectId }, 'created')
  return id
}

/** Returns the ID of the project's default group, which is made when it does not exist. Safe to call at any time. */
export async function ensureDefaultSecurityGroup(ctx: Ctx, projectId: string): Promise<string> {
  const found = await ctx.db.securityGroup.findFirst({
    where: { projectId, isDefault: true },
    select: { id: true },
  })
  if (found) return found.id
  return inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`default-group:${projectId}`}))`
    const again = await tx.db.securityGroup.findFirst({
      where: { projectId, isDefault: true },
      select: { id: true },
    })
    return (
      again?.id ??
      createGroupRow(tx, projectId, {
        name: 'default',
        description: 'Instances without another group: everything out, only each other in.',
        isDefault: true,
      })
    )
  })
}

/**
 * Returns the ID of the project's group that opens these presets of the launch form, one group for each combination;
 * null without presets.
 */
export async function ensurePresetGroup(
  ctx: Ctx,
  projectId: string,
  presets: readonly string[],
): Promise<string | null> {
  const chosen = rulePresets.filter((preset) => presets.includes(preset.key))
  if (chosen.length === 0) return null
  const name = `open-${chosen.map((preset) => preset.key).join('-')}`
  return inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`preset-group:${projectId}:${name}`}))`
    const found = await tx.db.securityGroup.findFirst({
      where: { projectId, name },
      include: { rules: true },
    })
    const missing = chosen.filter(
      (preset) =>
        !found?.rules.some(
          (rule) =>
            rule.direction === 'ingress' &&
            rule.protocol === preset.protocol &&
            rule.portMin === preset.portMin &&
            !rule.remoteCidr &&
            !rule.remoteGroupId,
        ),
    )
    const id =
      found?.id ??
      (await createGroupRow(tx, projectId, {
        name,
        description: `Opens ${chosen.map((preset) => preset.label).join(', ')} to the world.`,
        isDefault: false,
      }))
    if (missing.length === 0) return id
    await reserveQuota(tx, projectId, { securityGroupRules: missing.length })
    await tx.db.securityGroupRule.createMany({
      data: missing.map((preset) => ({
        id: crypto.randomUUID(),
        groupId: id,
        projectId,
        direction: 'ingress',
        ethertype: 'IPv4',
        protocol: preset.protocol,
        portMin: preset.portMin,
        portMax: preset.portMax,
      })),
    })
    if (found) await applyGroupLater(tx, { id, name, projectId })
    return id
  })
}

export async function updateSecurityGroup(
  ctx: Ctx,
  input: z.output<typeof securityGroupUpdateInput>,
): Promise<SecurityGroupView> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadGroup(tx, 'securityGroup:update', input.id)
    if (row.isDefault && input.name !== undefined && input.name !== row.name)
      throw conflict('The default group keeps its name.', 'securityGroupCannotUpdateDefault')
    if (input.name !== row.name) refuseDefaultName(input.name)
    await tx.db.securityGroup.update({
      where: { id: row.id },
      data: { name: input.name, description: input.description },
    })
    await recordOperation(tx, { ...historyOf(row, 'securityGroup.update'), id: crypto.randomUUID() })
    await groupEvent(tx, row, 'updated')
  })
  return getSecurityGroup(ctx, input)
}

export async function deleteSecurityGroup(ctx: Ctx, input: { id: string }): Promise<SecurityGroupView> {
  const gone = await getSecurityGroup(ctx, input)
  await inTransaction(ctx, async (tx) => {
    const row = await loadGroup(tx, 'securityGroup:delete', input.id)
    // An administrator may delete a project's default group: it is made again at its next use.
    if (row.isDefault && !isAdmin(tx))
      throw conflict('The default group of a project stays.', 'securityGroupCannotRemoveDefault')
    await removeGroup(tx, row)
  })
  return gone
}

/**
 * Deletes the default group together with its project. `ctx.db` is a transaction. Succeeds when the group no longer
 * exists.
 */
export async function forgetDefaultGroup(ctx: Ctx, projectId: string): Promise<void> {
  const row = await ctx.db.securityGroup.findFirst({ where: { projectId, isDefault: true } })
  if (row) await removeGroup(ctx, row)
}

async function removeGroup(ctx: Ctx, row: Awaited<ReturnType<typeof loadGroup>>): Promise<void> {
  await ctx.db.$executeRaw`SELECT 1 FROM "SecurityGroup" WHERE "id" = ${row.id}::uuid FOR UPDATE`
  const used = await ctx.db.portSecurityGroup.count({ where: { groupId: row.id } })
  if (used > 0)
    throw conflict(
      `${numbered(used, 'port uses', 'ports use')} this group. Take it off first.`,
      'securityGroupInUse',
    )
  const rules = await ctx.db.securityGroupRule.findMany({
    where: { OR: [{ groupId: row.id }, { remoteGroupId: row.id }] },
    select: { groupId: true, projectId: true },
  })
  const others = [...new Set(rules.map((rule) => rule.groupId).filter((id) => id !== row.id))]
  const { count } = await ctx.db.securityGroup.deleteMany({ where: { id: row.id } })
  if (count === 0) throw notFound('security group', row.id)
  await releaseQuota(ctx, row.projectId, { securityGroups: 1, securityGroupRules: rules.length })
  await recordOperation(ctx, { ...historyOf(row, 'securityGroup.delete'), id: crypto.randomUUID() })
  await groupEvent(ctx, row, 'deleted')
  for (const other of await ctx.db.securityGroup.findMany({ where: { id: { in: others } } }))
    await applyGroupLater(ctx, other)
}

/** Adds a rule; a workflow tells the hosts of the ports that use the group at once. */
export async function addSecurityGroupRule(
  ctx: Ctx,
  input: z.output<typeof ruleCreateInput>,
): Promise<SecurityGroupView> {
  await newSecurityGroupRule(ctx, input)
  return getSecurityGroup(ctx, { id: input.securityGroupId })
}

/**
 * Does the same; returns the rule's ID. `wording`: the caller's own words for values that are kept in their normal
 * form.
 */
export async function newSecurityGroupRule(
  ctx: Ctx,
  input: z.output<typeof ruleCreateInput>,
  wording: { protocolText: string | null; remoteText: string | null } = {
    protocolText: null,
    remoteText: null,
  },
): Promise<string> {
  const rule = normaliseRule(input)
  const id = crypto.randomUUID()
  await inTransaction(ctx, async (tx) => {
    const group = await loadGroup(tx, 'securityGroup:update', input.securityGroupId)
    await tx.db.$executeRaw`SELECT 1 FROM "SecurityGroup" WHERE "id" = ${group.id}::uuid FOR NO KEY UPDATE`
    if (rule.remoteGroupId)
      await loadGroups(asReaderOf(tx, group.projectId), 'securityGroup:get', [rule.remoteGroupId])
    if (await tx.db.securityGroupRule.findFirst({ where: { groupId: group.id, ...rule } }))
      throw new CloudError('already_exists', `The group has this rule already: ${describe(rule)}.`, {
        reason: 'securityGroupRuleExists',
      })
    await reserveQuota(tx, group.projectId, { securityGroupRules: 1 })
    await tx.db.securityGroupRule.create({
      data: {
        id,
        groupId: group.id,
        projectId: group.projectId,
        description: input.description,
        remoteAny: Boolean(input.remoteCidr) && rule.remoteCidr === null,
        ...rule,
        ...wording,
      },
    })
    await applyGroupLater(tx, group)
  })
  return id
}

export async function removeSecurityGroupRule(ctx: Ctx, input: { id: string }): Promise<SecurityGroupView> {
  const groupId = await inTransaction(ctx, async (tx) => {
    const rule = await tx.db.securityGroupRule.findUnique({ where: { id: input.id } })
    if (!rule) throw notFound('security group rule', input.id)
    const group = await loadGroup(tx, 'securityGroup:update', rule.groupId).catch((error: unknown) => {
      // A rule of another project is answered like a rule that does not exist.
      if (error instanceof CloudError && error.code === 'not_found')
        throw notFound('security group rule', input.id)
      throw error
    })
    const { count } = await tx.db.securityGroupRule.deleteMany({ where: { id: rule.id } })
    if (count === 0) throw notFound('security group rule', input.id)
    await releaseQuota(tx, group.projectId, { securityGroupRules: 1 })
    await applyGroupLater(tx, group)
    return group.id
  })
  return getSecurityGroup(ctx, { id: groupId })
}

async function applyGroupLater(
  ctx: Ctx,
  group: { id: string; name: string; projectId: string },
): Promise<void> {
  await startOperation(ctx, { ...historyOf(group, 'securityGroup.apply'), id: crypto.randomUUID() })
  await groupEvent(ctx, group, 'updated')
}

const describe = (rule: Rule) => `${rule.direction} ${rule.protocol ?? 'any'} ${rule.portMin ?? ''}`.trim()

const historyOf = (row: { id: string; name: string; projectId: string }, action: string) => ({
  action,
  resourceKind: 'securityGroup',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
})

function view(row: GroupRow): SecurityGroupView {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    projectId: row.projectId,
    isDefault: row.isDefault,
    rules: row.rules.map((rule) => ({
      id: rule.id,
      direction: rule.direction as 'ingress' | 'egress',
      ethertype: rule.ethertype as 'IPv4' | 'IPv6',
      protocol: rule.protocol,
      portMin: rule.portMin,
      portMax: rule.portMax,
      remoteCidr: rule.remoteCidr,
      remoteGroup: rule.remoteGroup,
      description: rule.description,
    })),
    usedBy: row.ports.flatMap(({ port }: { port: GroupRow['ports'][number]['port'] | null }) =>
      // Ports are read after the list of members, so a port may be gone by then.
      port
        ? { portId: port.id, instanceId: port.deviceOwner.startsWith('compute:') ? port.deviceId : null }
        : [],
    ),
    createdAt: row.createdAt.toISOString(),
  }
}
