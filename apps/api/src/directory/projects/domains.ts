import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, notFound } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { tagsInput } from '../contract.ts'
import { closePlace, sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { demandMutable, mergedOptions, optionsOf } from '../options.ts'
import { directoryEvent, lockDomain, oldest } from '../reach.ts'
import { forgetUsers } from '../users/removal.ts'
import type { DomainListInput, DomainView, domainInput, domainUpdateInput } from './contract.ts'
import { dropDeletedDomains } from './deleted-domains.ts'
import { deleteProjectsOf } from './deletion.ts'
import { type DomainRow, queryDomains, sortableDomains, withCounts } from './queries.ts'

const toView = (row: DomainRow): DomainView => ({
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
  const slice = await queryDomains(ctx, { where: input, ...askOf(input, sortableDomains) })
  return pageView(slice, slice.rows.map(toView))
}

/** The domains for OpenStack's clients; `next` says that there are more. */
export async function findDomains(
  ctx: Ctx,
  input: DomainListInput,
): Promise<Pick<Page<DomainView>, 'items' | 'next'>> {
  const { rows, next } = await queryDomains(ctx, { where: input, ...oldest(input.limit) })
  return { items: rows.map(toView), next }
}

/** Users whose account or project is in the domain may see it, too. */
export async function getDomain(ctx: Ctx, input: { id: string }): Promise<DomainView> {
  return toView(await loadDomain(ctx, input.id))
}

/** The domains with these ids. The caller of this function has checked the rights. */
export async function domainsById(ctx: Ctx, ids: readonly string[]): Promise<DomainView[]> {
  const where = { id: { in: [...ids] }, deleting: false }
  return (await ctx.db.domain.findMany({ where, include: withCounts, orderBy: { id: 'asc' } })).map(toView)
}

async function loadDomain(ctx: Ctx, id: string, action?: string): Promise<DomainRow> {
  const row = await ctx.db.domain.findUnique({ where: { id, deleting: false }, include: withCounts })
  const at = ctx.scope.kind === 'project' || ctx.scope.kind === 'domain' ? ctx.scope.domainId : null
  const own = id === ctx.actor.domainId || id === at
  if (!row || !(own || decide(ctx, 'identity:get_domain', { domainId: id }).allowed))
    throw notFound('domain', id)
  if (action !== undefined) authorize(ctx, action, { domainId: id })
  return row
}

/** `id` may be an id that the caller chose. Throws already_exists when it is taken. */
export async function createDomain(
  ctx: Ctx,
  input: z.input<typeof domainInput>,
  id = newId(),
): Promise<DomainView> {
  authorize(ctx, 'identity:create_domain')
  return inTransaction(ctx, async (tx) => {
    await demandFreeName(tx, input.name)
    // In Keystone a domain is also a project, so an id may not stand for both a domain and another project.
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
      include: withCounts,
    })
    await directoryEvent(tx, 'domain', 'created', row.id, { name })
    return toView(row)
  })
}

/** While a domain is disabled, no token of its users and projects is valid. */
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
      include: withCounts,
    })
    if (changes.enabled === false) {
      await closePlace(tx, { domainId: id })
      await sessionEnded(tx, { domainId: id }, 'domain disabled')
    }
    await directoryEvent(tx, 'domain', 'updated', id)
    return toView(row)
  })
}

/** Changes the tags from those that the locked row has, so that parallel callers lose nothing. */
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
 * Deletes a disabled domain whose projects are empty, with its users, groups, roles and projects. Projects that are
 * being deleted do not stand in the way: the worker finishes them, and the domain's row goes with the last of them.
 */
export async function deleteDomain(ctx: Ctx, input: { id: string }): Promise<DomainView> {
  const before = await loadDomain(ctx, input.id, 'identity:delete_domain')
  demandMutable('domain', before)
  const { id } = input
  if (id === 'default')
    throw new CloudError('forbidden', 'The domain Default cannot be deleted, because the cloud needs it.')
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
