import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, notFound } from '../../kernel/errors.ts'
import { byName, pageOf } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { tagsInput } from '../contract.ts'
import { closePlace, sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { demandMutable, mergedOptions, optionsOf } from '../options.ts'
import { directoryEvent, lockDomain, nameClauses } from '../reach.ts'
import { forgetUsers } from '../users/removal.ts'
import type { DomainListInput, DomainView, domainInput, domainUpdateInput } from './contract.ts'
import { dropDeletedDomains } from './deleted-domains.ts'
import { deleteProjectsOf } from './deletion.ts'

const counts = {
  _count: { select: { projects: { where: { deleting: false } }, users: true } },
} satisfies Prisma.DomainInclude
type Row = Prisma.DomainGetPayload<{ include: typeof counts }>

const toView = (row: Row): DomainView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled,
  tags: row.tags,
  options: optionsOf(row),
  extra: row.extra as Extra,
  createdAt: row.createdAt.toISOString(),
  projects: row._count.projects,
  users: row._count.users,
})

export async function listDomains(ctx: Ctx, input: DomainListInput): Promise<Page<DomainView>> {
  const own = ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  authorize(ctx, 'identity:list_domains', { domainId: own })
  const where: Prisma.DomainWhereInput = {
    deleting: false,
    AND: [
      ...nameClauses(input),
      own === null ? {} : { id: own },
      input.enabled === undefined ? {} : { enabled: input.enabled },
    ],
  }
  const page = await pageOf<Row>(ctx.db.domain, input, where, {
    include: counts,
    sortable: { ...byName, enabled: [{ field: 'enabled' }] },
  })
  return { ...page, items: page.items.map(toView) }
}

/** Also for those whose account or project is in it. */
export async function getDomain(ctx: Ctx, input: { id: string }): Promise<DomainView> {
  return toView(await loadDomain(ctx, input.id))
}

/** The domains with these ids; who may know them has been asked before. */
export async function domainsById(ctx: Ctx, ids: readonly string[]): Promise<DomainView[]> {
  const where = { id: { in: [...ids] }, deleting: false }
  return (await ctx.db.domain.findMany({ where, include: counts, orderBy: { id: 'asc' } })).map(toView)
}

async function loadDomain(ctx: Ctx, id: string, action?: string): Promise<Row> {
  const row = await ctx.db.domain.findUnique({ where: { id, deleting: false }, include: counts })
  const at = ctx.scope.kind === 'project' || ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  const own = id === ctx.actor.domainId || id === at
  if (!row || !(own || decide(ctx, 'identity:get_domain', { domainId: id }).allowed))
    throw notFound('domain', id)
  if (action !== undefined) authorize(ctx, action, { domainId: id })
  return row
}

/** `id`: one that the caller chose. Throws already_exists. */
export async function createDomain(
  ctx: Ctx,
  input: z.input<typeof domainInput>,
  id = newId(),
): Promise<DomainView> {
  authorize(ctx, 'identity:create_domain')
  return inTransaction(ctx, async (tx) => {
    await demandFreeName(tx, input.name)
    // A domain is a project, too: one id for two would be the one's for some callers and the other's for others.
    if (
      (await tx.db.domain.findUnique({ where: { id } })) ??
      (await tx.db.project.findUnique({ where: { id } }))
    )
      throw alreadyExists('domain', id)
    const { name, description = '', enabled = true, tags = [], options = {}, extra = {} } = input
    const row = await tx.db.domain.create({
      data: {
        id,
        name,
        description,
        enabled,
        tags,
        options: mergedOptions({ options: {} }, options),
        extra,
      },
      include: counts,
    })
    await directoryEvent(tx, 'domain', 'created', row.id, { name })
    return toView(row)
  })
}

/** Disabling voids every token of its users and projects while it lasts. */
export async function updateDomain(ctx: Ctx, input: z.output<typeof domainUpdateInput>): Promise<DomainView> {
  const before = await loadDomain(ctx, input.id, 'identity:update_domain')
  demandMutable('domain', before, input)
  const { id, options, ...changes } = input
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, id)
    if (changes.name !== undefined && changes.name !== before.name) await demandFreeName(tx, changes.name)
    const row = await tx.db.domain.update({
      where: { id },
      data: { ...changes, ...(options ? { options: mergedOptions(before, options) } : {}) },
      include: counts,
    })
    if (changes.enabled === false) {
      await closePlace(tx, { domainId: id })
      await sessionEnded(tx, { domainId: id }, 'domain disabled')
    }
    await directoryEvent(tx, 'domain', 'updated', id)
    return toView(row)
  })
}

/** Other tags, made from those that are there then: parallel callers lose nothing. */
export async function changeDomainTags(
  ctx: Ctx,
  id: string,
  change: (tags: string[]) => string[],
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await lockDomain(tx, id)
    const { tags } = await loadDomain(tx, id)
    const now = change(tags)
    if (now !== tags) await updateDomain(tx, { id, tags: tagsInput.parse(now) })
  })
}

/**
 * A disabled domain whose projects are empty, with its users, groups, roles and projects. Those that are
 * being deleted are gone already: the worker goes on with them, and the domain's row with the last one.
 */
export async function deleteDomain(ctx: Ctx, input: { id: string }): Promise<DomainView> {
  const before = await loadDomain(ctx, input.id, 'identity:delete_domain')
  demandMutable('domain', before)
  const { id } = input
  if (id === 'default') throw new CloudError('forbidden', 'The domain Default stays: the cloud needs it.')
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, id)
    const { enabled } = await tx.db.domain.findUniqueOrThrow({ where: { id }, select: { enabled: true } })
    if (enabled) throw new CloudError('forbidden', 'Disable the domain first, then delete it.')
    const users = await tx.db.user.findMany({ where: { domainId: id }, select: { id: true } })
    await forgetUsers(
      tx,
      users.map((user) => user.id),
    )
    await closePlace(tx, { domainId: id })
    await deleteProjectsOf(tx, id)
    await tx.db.group.deleteMany({ where: { domainId: id } })
    await tx.db.role.deleteMany({ where: { domainId: id } })
    await tx.db.roleAssignment.deleteMany({ where: { domainId: id } })
    const name = `${before.name} (deleted ${id})`
    await tx.db.domain.update({ where: { id }, data: { deleting: true, name } })
    await dropDeletedDomains(tx, id)
    await sessionEnded(tx, { domainId: id }, 'domain deleted')
    await directoryEvent(tx, 'domain', 'deleted', id)
    return toView(before)
  })
}

async function demandFreeName(ctx: Ctx, name: string): Promise<void> {
  if (await ctx.db.domain.findUnique({ where: { name } })) throw alreadyExists('domain', name)
}
