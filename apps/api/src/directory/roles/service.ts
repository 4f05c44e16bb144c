import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { askOf, pageView, whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { roleNames } from '../contract.ts'
import { sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { demandMutable, mergedOptions, optionsOf } from '../options.ts'
import { directoryEvent, oldest } from '../reach.ts'
import type { implicationInput, RoleListInput, RoleView, roleInput, roleUpdateInput } from './contract.ts'
import { impliedNames } from './effective.ts'
import { demandMayGrant } from './granting.ts'
import { mayKnow, queryRoles, type RoleRow, sortableRoles, withImplied } from './queries.ts'

/** True for the three roles that every cloud has. */
const isBuiltIn = (row: RoleRow) =>
  row.domainId === null && (roleNames as readonly string[]).includes(row.name)
const toView = (row: RoleRow): RoleView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  domainId: row.domainId,
  immutable: optionsOf(row).immutable === true,
  options: optionsOf(row),
  extra: row.extra as Extra,
  implies: row.implies.map(({ implied }) => implied),
  createdAt: row.createdAt.toISOString(),
})

/** Lists the roles of the cloud, or of one domain alone. */
export async function listRoles(ctx: Ctx, input: RoleListInput): Promise<Page<RoleView>> {
  const slice = await queryRoles(ctx, { where: input, ...askOf(input, sortableRoles) })
  return pageView(slice, slice.rows.map(toView))
}

/** The roles for OpenStack's clients; `next` says that there are more. */
export async function findRoles(
  ctx: Ctx,
  input: RoleListInput,
): Promise<Pick<Page<RoleView>, 'items' | 'next'>> {
  const { rows, next } = await queryRoles(ctx, { where: input, ...oldest(input.limit) })
  return { items: rows.map(toView), next }
}

export async function getRole(ctx: Ctx, input: { id: string }): Promise<RoleView> {
  authorize(ctx, 'identity:list_roles')
  return toView(await loadRole(ctx, input.id))
}

/** Throws not_found, also for a role of a domain that the caller does not see. */
export async function loadRole(ctx: Ctx, id: string, action?: string): Promise<RoleRow> {
  const row = await ctx.db.role.findUnique({ where: { id }, include: withImplied })
  const target = { domainId: row?.domainId ?? null }
  if (!row || !mayKnow(ctx, row.domainId)) throw notFound('role', id)
  if (action !== undefined) authorize(ctx, action, target)
  return row
}

export async function createRole(ctx: Ctx, input: z.input<typeof roleInput>): Promise<RoleView> {
  const domainId = input.domainId ?? null
  authorize(ctx, 'identity:create_role', { domainId })
  if (domainId !== null && !(await ctx.db.domain.findUnique({ where: { id: domainId, deleting: false } })))
    throw notFound('domain', domainId)
  return inTransaction(ctx, async (tx) => {
    await lockRoles(tx)
    await demandFreeName(tx, domainId, input.name)
    const row = await tx.db.role.create({
      data: {
        id: newId(),
        name: input.name,
        description: input.description ?? '',
        domainId,
        domainKey: domainId ?? '',
        options: mergedOptions({ options: {} }, input.options ?? {}),
        extra: input.extra ?? {},
      },
      include: withImplied,
    })
    await directoryEvent(tx, 'role', 'created', row.id, { name: row.name })
    return toView(row)
  })
}

export async function updateRole(ctx: Ctx, input: z.output<typeof roleUpdateInput>): Promise<RoleView> {
  const before = await loadRole(ctx, input.id, 'identity:update_role')
  demandNotBuiltIn(before)
  demandMutable('role', before, input)
  const { id, options, ...changes } = input
  return inTransaction(ctx, async (tx) => {
    await lockRoles(tx)
    if (changes.name !== undefined && changes.name !== before.name)
      await demandFreeName(tx, before.domainId, changes.name)
    const row = await tx.db.role.update({
      where: { id },
      data: { ...changes, ...(options ? { options: mergedOptions(before, options) } : {}) },
      include: withImplied,
    })
    // Rights go by the name of a role, so everyone with the role has other rights after its change of name.
    if (row.name !== before.name) await sessionEnded(tx, { everyone: true }, 'role renamed')
    await directoryEvent(tx, 'role', 'updated', id)
    return toView(row)
  })
}

/** Deletes the role with its assignments and implications. */
export async function deleteRole(ctx: Ctx, input: { id: string }): Promise<RoleView> {
  const row = await loadRole(ctx, input.id, 'identity:delete_role')
  demandNotBuiltIn(row)
  demandMutable('role', row)
  return inTransaction(ctx, async (tx) => {
    await lockRoles(tx)
    const { count } = await tx.db.role.deleteMany({ where: { id: row.id } })
    if (count === 0) throw notFound('role', row.id)
    await sessionEnded(tx, { everyone: true }, 'role deleted')
    await directoryEvent(tx, 'role', 'deleted', row.id)
    return toView(row)
  })
}

/** Lists the roles that every role implies directly, for readers of the cloud. */
export async function listImplications(
  ctx: Ctx,
): Promise<{ prior: { id: string; name: string }; implied: { id: string; name: string }[] }[]> {
  authorize(ctx, 'identity:list_roles')
  const rows = await ctx.db.role.findMany({
    where: {
      implies: { some: {} },
      ...(ctx.scope.kind === 'domain' ? { domainKey: { in: ['', ctx.scope.domainId] } } : {}),
    },
    include: withImplied,
    orderBy: { id: 'asc' },
    take: 1001,
  })
  return whole(rows, 1000, 'Ask for what one role implies.').map((row) => ({
    prior: { id: row.id, name: row.name },
    implied: row.implies.map(({ implied }) => implied),
  }))
}

type Implication = z.output<typeof implicationInput>
/**
 * Makes a role imply another: users with the prior role have the implied role, too. Does nothing when it does so
 * already.
 */
export async function implyRole(ctx: Ctx, input: Implication): Promise<void> {
  const prior = await loadRole(ctx, input.priorRoleId, 'identity:imply_role')
  const implied = await loadRole(ctx, input.impliedRoleId)
  if (implied.domainId !== null && prior.domainId === null)
    throw new CloudError('forbidden', 'Global role cannot imply a domain-specific role')
  if (implied.domainId !== null && implied.domainId !== prior.domainId)
    throw new CloudError('forbidden', 'A role of one domain is implied by roles of the same domain only.')
  await demandMayGrant(ctx, implied)
  await inTransaction(ctx, async (tx) => {
    await lockRoles(tx)
    const reach = await impliedIds(tx, implied.id)
    if ((await impliedNames(tx, [implied.id])).has('admin'))
      throw new CloudError('forbidden', 'No role may imply admin. Give the role admin by its name instead.')
    if (reach.has(prior.id))
      throw conflict(
        `${implied.name} implies ${prior.name} already, and roles cannot imply each other in a circle.`,
      )
    await tx.db.impliedRole.createMany({ data: [input], skipDuplicates: true })
    await directoryEvent(tx, 'role', 'updated', prior.id)
  })
}

/** Throws not_found when the prior role did not imply the other. Rights shrink with the next request. */
export async function unimplyRole(ctx: Ctx, input: Implication): Promise<void> {
  const prior = await loadRole(ctx, input.priorRoleId, 'identity:imply_role')
  const implied = await loadRole(ctx, input.impliedRoleId)
  if (isBuiltIn(prior) && isBuiltIn(implied))
    throw new CloudError(
      'forbidden',
      `${prior.name} must imply ${implied.name}, because the rules of the cloud depend on this.`,
    )
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.impliedRole.deleteMany({ where: input })
    if (count === 0) throw notFound('implied role', input.impliedRoleId)
    await sessionEnded(tx, { everyone: true }, 'implied role removed')
    await directoryEvent(tx, 'role', 'updated', prior.id)
  })
}

async function impliedIds(ctx: Ctx, id: string): Promise<Set<string>> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    WITH RECURSIVE held("id") AS (SELECT ${id}::text
      UNION SELECT i."impliedRoleId" FROM held JOIN "ImpliedRole" i ON i."priorRoleId" = held."id")
    SELECT "id" FROM held`
  return new Set(rows.map((row) => row.id))
}

/** Changes to roles are rare and run one after another, so that two of them at once cannot close a circle. */
async function lockRoles(ctx: Ctx): Promise<void> {
  // The name is that of the version before, which runs beside this one during an upgrade.
  await ctx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('identity.roles'))`
}

function demandNotBuiltIn(row: RoleRow): void {
  if (isBuiltIn(row))
    throw new CloudError(
      'forbidden',
      `The role ${row.name} cannot be changed or deleted, because the rules of the cloud depend on this role.`,
    )
}

async function demandFreeName(ctx: Ctx, domainId: string | null, name: string): Promise<void> {
  const where = { domainKey_name: { domainKey: domainId ?? '', name } }
  if (await ctx.db.role.findUnique({ where })) throw alreadyExists('role', name)
}

/** The roles with these ids. The caller of this function has checked the rights. */
export async function rolesById(ctx: Ctx, ids: readonly string[]): Promise<RoleView[]> {
  const where = { id: { in: [...ids] } }
  const rows = await ctx.db.role.findMany({ where, include: withImplied, orderBy: { id: 'asc' } })
  return rows.map(toView)
}

/** Ids of the cloud's roles with these names, for the `roles` of a token. Needs no right. */
export async function rolesNamed(ctx: Ctx, names: Iterable<string>): Promise<{ id: string; name: string }[]> {
  return ctx.db.role.findMany({
    where: { domainKey: '', name: { in: [...names] } },
    select: { id: true, name: true },
    orderBy: { name: 'asc' },
  })
}

/** The two ways to name a role: by its id, or a role of the cloud by its name. */
export type RoleRef = { id: string } | { name: string }
export async function roleExists(ctx: Ctx, ref: RoleRef): Promise<boolean> {
  const where = 'id' in ref ? { id: ref.id } : { name: ref.name, domainKey: '' }
  return (await ctx.db.role.findFirst({ where, select: { id: true } })) !== null
}

type NamedRole = { id: string; name: string; domainId: string | null }
/** Reads the roles with these ids. Returns a function that gives those of some ids, by name. Takes one query. */
export async function roleRefs(
  ctx: Ctx,
  ids: readonly string[],
): Promise<(some: readonly string[]) => NamedRole[]> {
  const rows = await ctx.db.role.findMany({
    where: { id: { in: [...new Set(ids)] } },
    select: { id: true, name: true, domainId: true },
  })
  return (some) =>
    rows.filter(({ id }) => some.includes(id)).sort((one, other) => one.name.localeCompare(other.name))
}
