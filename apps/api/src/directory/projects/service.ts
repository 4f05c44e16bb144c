import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { askOf, pageView, whole } from '../../kernel/page.ts'
import { authorize, decide } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { closePlace, sessionEnded } from '../ending.ts'
import { newId } from '../ids.ts'
import { demandMutable, mergedOptions, optionsOf } from '../options.ts'
import { directoryEvent, lockDomain, oldest, ownDomain, seen } from '../reach.ts'
import { projectsOf, projectWithRole } from '../roles/effective.ts'
import type { ProjectDetail, ProjectInput, ProjectListInput, projectUpdateInput } from './contract.ts'
import { type ProjectRow, queryProjects, sortableProjects, withDomain } from './queries.ts'

/** The depth of a tree at most; a project directly below its domain is at depth 1. */
const maxDepth = 5
const maxTags = 80

export const toProjectDetail = (row: ProjectRow): ProjectDetail => ({
  id: row.id,
  name: row.name,
  description: row.description,
  domainId: row.domainId,
  domainName: row.domain.name,
  enabled: row.enabled,
  parentId: row.parentId,
  tags: row.tags,
  extra: row.extra as Extra,
  options: optionsOf(row),
  deleting: row.deleting,
  createdAt: row.createdAt.toISOString(),
})

type ProjectHook = (ctx: Ctx, project: { id: string; name: string }) => Promise<void>
const projectHooks: ProjectHook[] = []
/**
 * Other rooms register here what each new project starts with (networking: its default security group). Hooks run in
 * order, in the transaction that creates the project.
 */
export function onProjectCreated(hook: ProjectHook): void {
  projectHooks.push(hook)
}

export async function listProjects(ctx: Ctx, input: ProjectListInput): Promise<Page<ProjectDetail>> {
  const slice = await queryProjects(ctx, { where: input, ...askOf(input, sortableProjects) })
  return pageView(slice, slice.rows.map(toProjectDetail))
}

/** The projects for OpenStack's clients; `next` says that there are more. */
export async function findProjects(
  ctx: Ctx,
  input: ProjectListInput,
): Promise<Pick<Page<ProjectDetail>, 'items' | 'next'>> {
  const { rows, next } = await queryProjects(ctx, { where: input, ...oldest(input.limit) })
  return { items: rows.map(toProjectDetail), next }
}

/** A project that the caller may administer or read, that the session is for, or where the caller has a role. */
export async function getProject(ctx: Ctx, input: { id: string }): Promise<ProjectDetail> {
  return toProjectDetail(await loadProject(ctx, input.id))
}

/** For OpenStack's door, where a project that is being deleted does not exist. */
export async function liveProject(ctx: Ctx, id: string): Promise<ProjectDetail> {
  const project = await getProject(ctx, { id })
  if (project.deleting) throw notFound('project', id)
  return project
}

/** Throws not_found for an unknown project. A project that is being deleted still exists. */
export async function demandProject(ctx: Ctx, id: string): Promise<void> {
  const row = await ctx.db.project.findUnique({ where: { id }, select: { id: true } })
  if (row === null) throw notFound('project', id)
}

/** The projects with these ids that are not being deleted. The caller of this function has checked the rights. */
export async function projectsById(ctx: Ctx, ids: readonly string[]): Promise<ProjectDetail[]> {
  const where = { id: { in: [...ids] }, deleting: false }
  const rows = await ctx.db.project.findMany({ where, include: withDomain, orderBy: { id: 'asc' } })
  return rows.map(toProjectDetail)
}

export async function loadProject(ctx: Ctx, id: string, action?: string): Promise<ProjectRow> {
  const row = await ctx.db.project.findUnique({ where: { id }, include: withDomain })
  if (row === null) throw notFound('project', id)
  const target = { projectId: id, domainId: row.domainId }
  if (!decide(ctx, 'identity:get_project', target).allowed) {
    if ((await projectWithRole(ctx, ctx.actor.userId, id)) === null) throw notFound('project', id)
  }
  if (action !== undefined) authorize(ctx, action, target)
  return row
}

const mostInTree = 1000
/** The projects above (nearest first) and below a project that the caller sees, as far as the caller may see them. */
export async function projectTree(
  ctx: Ctx,
  input: { id: string },
): Promise<{ parents: ProjectDetail[]; subtree: ProjectDetail[] }> {
  const project = await loadProject(ctx, input.id)
  const found = await ctx.db.project.findMany({
    where: { OR: [{ id: { in: project.ancestors } }, { ancestors: { has: project.id } }] },
    include: withDomain,
    orderBy: { id: 'asc' },
    take: mostInTree + 1,
  })
  const rows = whole(found, mostInTree, 'List the projects below this one by parent_id.')
  const all = decide(ctx, 'identity:list_projects', { domainId: project.domainId }).allowed
  const own = all ? [] : (await projectsOf(ctx, ctx.actor.userId)).map((p) => p.id)
  const views = rows.filter((row) => all || own.includes(row.id))
  return {
    parents: project.ancestors
      .toReversed()
      .flatMap((id) => views.filter((row) => row.id === id))
      .map(toProjectDetail),
    subtree: views.filter((row) => row.ancestors.includes(project.id)).map(toProjectDetail),
  }
}

/** The projects of a domain that the caller sees, as far as the caller may see them. */
export async function projectsOfDomain(ctx: Ctx, input: { id: string }): Promise<ProjectDetail[]> {
  const found = await ctx.db.project.findMany({
    where: { domainId: input.id, deleting: false },
    include: withDomain,
    orderBy: { id: 'asc' },
    take: mostInTree + 1,
  })
  const rows = whole(found, mostInTree, 'List the projects of the domain by domain_id.')
  const all = decide(ctx, 'identity:list_projects', { domainId: input.id }).allowed
  const own = all ? [] : (await projectsOf(ctx, ctx.actor.userId)).map((p) => p.id)
  return rows.filter((row) => all || own.includes(row.id)).map(toProjectDetail)
}

/** Creates a project with everything that other rooms give a new project. */
export async function createProject(ctx: Ctx, input: ProjectInput): Promise<ProjectDetail> {
  const parent = input.parentId === undefined ? null : await loadParent(ctx, input.parentId)
  const domainId = input.domainId ?? parent?.domainId ?? ownDomain(ctx)
  authorize(ctx, 'identity:create_project', { domainId })
  if (parent && parent.domainId !== domainId)
    throw invalidInput(
      'The parent project belongs to another domain. Choose a parent in the same domain.',
      'parentId',
    )
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    await demandFreeName(tx, domainId, input.name)
    const ancestors = parent ? await placeBelow(tx, parent.id) : []
    const row = await tx.db.project.create({
      data: {
        id: newId(),
        domainId,
        name: input.name,
        description: input.description ?? '',
        enabled: input.enabled ?? true,
        parentId: parent?.id ?? null,
        ancestors,
        tags: input.tags ?? [],
        options: mergedOptions({ options: {} }, input.options ?? {}),
        extra: input.extra ?? {},
      },
      include: withDomain,
    })
    await directoryEvent(tx, 'project', 'created', row.id, { name: row.name })
    for (const hook of projectHooks) await hook(tx, row)
    return toProjectDetail(row)
  })
}

async function loadParent(ctx: Ctx, id: string): Promise<ProjectRow> {
  const row = await ctx.db.project.findUnique({ where: { id }, include: withDomain })
  const target = (project: ProjectRow) => ({ projectId: project.id, domainId: project.domainId })
  return seen(ctx, { kind: 'project', id, row, target, read: 'identity:get_project' })
}

/** Returns the ancestors of a new child; locks the parent, so that it is not deleted meanwhile. */
async function placeBelow(ctx: Ctx, parentId: string): Promise<string[]> {
  const [parent] = await ctx.db.$queryRaw<
    { ancestors: string[]; deleting: boolean; enabled: boolean }[]
  >`SELECT "ancestors", "deleting", "enabled" FROM "Project" WHERE "id" = ${parentId} FOR SHARE`
  if (!parent || parent.deleting) throw notFound('project', parentId)
  if (!parent.enabled)
    throw new CloudError('forbidden', 'The parent is disabled. Enable it first or choose another one.')
  if (parent.ancestors.length + 2 > maxDepth)
    throw new CloudError('forbidden', `Projects go ${maxDepth} levels deep at most. Choose a higher parent.`)
  return [...parent.ancestors, parentId]
}

/**
 * Changes name, description, tags, attributes, or whether the project is enabled; disabling ends its tokens. A project
 * never moves.
 */
export async function updateProject(
  ctx: Ctx,
  input: z.output<typeof projectUpdateInput>,
): Promise<ProjectDetail> {
  const before = await loadProject(ctx, input.id, 'identity:update_project')
  demandMutable('project', before, input)
  const { id, options, ...changes } = input
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, before.domainId)
    if (changes.name !== undefined && changes.name !== before.name)
      await demandFreeName(tx, before.domainId, changes.name)
    if (changes.enabled !== undefined) await demandSwitchable(tx, id, changes.enabled)
    const row = await tx.db.project.update({
      where: { id },
      data: { ...changes, ...(options ? { options: mergedOptions(before, options) } : {}) },
      include: withDomain,
    })
    if (changes.enabled === false) await endTokensOf(tx, id, 'project disabled')
    await directoryEvent(tx, 'project', 'updated', id)
    return toProjectDetail(row)
  })
}

/**
 * A project cannot be enabled below a disabled project or while it is being deleted, nor disabled above an enabled
 * project.
 */
async function demandSwitchable(ctx: Ctx, id: string, enabled: boolean): Promise<void> {
  const row = await ctx.db.project.findUnique({ where: { id } })
  if (!row) throw notFound('project', id)
  if (row.deleting && enabled) throw conflict('The project is being deleted. It cannot be enabled any more.')
  const where = enabled
    ? { id: { in: row.ancestors }, enabled: false }
    : { ancestors: { has: id }, enabled: true }
  if (await ctx.db.project.findFirst({ where, select: { id: true } }))
    throw new CloudError(
      'forbidden',
      enabled
        ? 'A project above it is disabled. Enable that one first.'
        : 'Disable the projects below it first.',
    )
}

/** Ends the tokens for a project, and tells open consoles and streams. Runs in a transaction. */
export async function endTokensOf(ctx: Ctx, projectId: string, reason: string): Promise<void> {
  await closePlace(ctx, { projectIds: [projectId] })
  await sessionEnded(ctx, { projectId }, reason)
}

async function demandFreeName(ctx: Ctx, domainId: string, name: string): Promise<void> {
  const where = { domainId_name: { domainId, name } }
  if (await ctx.db.project.findUnique({ where })) throw alreadyExists('project', name)
}

/** Adds a tag, unless the project has it already. Parallel callers lose nothing. */
export async function addProjectTag(ctx: Ctx, input: { id: string; tag: string }): Promise<void> {
  await loadProject(ctx, input.id, 'identity:update_project')
  await inTransaction(ctx, async (tx) => {
    const count = await tx.db.$executeRaw(Prisma.sql`
      UPDATE "Project" SET "tags" = array_append("tags", ${input.tag}::text)
      WHERE "id" = ${input.id} AND NOT ("tags" @> ARRAY[${input.tag}::text]) AND cardinality("tags") < ${maxTags}`)
    const row = await tx.db.project.findUnique({ where: { id: input.id }, select: { tags: true } })
    if (!row?.tags.includes(input.tag))
      throw invalidInput(`A project has at most ${maxTags} tags. Remove one first.`, 'tags')
    if (count > 0) await directoryEvent(tx, 'project', 'updated', input.id)
  })
}

/** Throws not_found when the project has no such tag. */
export async function removeProjectTag(ctx: Ctx, input: { id: string; tag: string }): Promise<void> {
  await loadProject(ctx, input.id, 'identity:update_project')
  await inTransaction(ctx, async (tx) => {
    const count = await tx.db.$executeRaw(Prisma.sql`
      UPDATE "Project" SET "tags" = array_remove("tags", ${input.tag}::text)
      WHERE "id" = ${input.id} AND "tags" @> ARRAY[${input.tag}::text]`)
    if (count === 0) throw notFound('tag', input.tag)
    await directoryEvent(tx, 'project', 'updated', input.id)
  })
}
