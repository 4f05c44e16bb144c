import { randomUUID } from 'node:crypto'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { operationUnderWay } from '../../kernel/history.ts'
import { type Run, type Step, startOperation, type Wait, type Workflow } from '../../kernel/workflow.ts'
import { closePlace } from '../ending.ts'
import { demandMutable } from '../options.ts'
import { directoryEvent } from '../reach.ts'
import type { ProjectDeletionPlan } from './contract.ts'
import { dropDeletedDomains, lockDomainOf } from './deleted-domains.ts'
import { endTokensOf, loadProject, toProjectDetail } from './service.ts'

/** One kind of things that a project may have. Each room registers its own (`joins` in room.ts). */
export type ProjectThing = {
  /** For example "instance". */
  kind: string
  /** The name for people, for example "Instances". */
  title: string
  /** Kinds with lower numbers are deleted first: instances 10, floating IPs 20, routers 30, … */
  order: number
  count(ctx: Ctx, projectId: string): Promise<number>
  /**
   * Asks for the deletion of the things that exist and are not being deleted already. The workflow counts and calls
   * this again until nothing is left. Returns why something cannot be deleted yet, or null when everything is being
   * deleted; an error ends the try.
   */
  remove(ctx: Ctx, projectId: string): Promise<string | null>
  /** Deletes, in ctx's transaction, the things that every project has from the start (see `demandEmpty`). */
  removeOriginal?(ctx: Ctx, projectId: string): Promise<void>
}

/** After how long without progress the reason is shown, and how often the workflow counts. */
const patienceMs = 20_000
const pauseMs = 250

const things: ProjectThing[] = []
/** The deletion of projects below was begun before, so this only waits for them. */
const children: ProjectThing = {
  kind: 'project',
  title: 'Projects below',
  order: 0,
  count: (ctx, parentId) => ctx.db.project.count({ where: { parentId } }),
  remove: async () => null,
}
const steps: Step<unknown>[] = [
  {
    name: 'project',
    title: 'Deleting the project',
    async run(run) {
      // Everything is cleared again, in case a thing was created while others were deleted.
      for (const thing of [...things, children]) {
        const wait = await clear(run, thing)
        if (wait) return wait
      }
      await inTransaction(run.ctx, async (tx) => {
        const rest = await thingsOf(tx, run.resourceId)
        if (rest.length > 0) throw leftOver(rest)
        const domainId = await lockDomainOf(tx, run.resourceId)
        const count = await removeProjectRows(tx, [run.resourceId])
        if (count > 0) await directoryEvent(tx, 'project', 'deleted', run.resourceId)
        if (domainId !== null) await dropDeletedDomains(tx, domainId)
      })
      return
    },
  },
]
type Forget = (tx: Ctx, projectIds: readonly string[]) => Promise<void>
const forgetting: Forget[] = []
/**
 * Rooms register here how they delete their rows of empty projects, in the transaction that deletes the projects' rows.
 */
export const onProjectRemoved = (forget: Forget): void => void forgetting.push(forget)

type EndRights = (tx: Ctx, projectId: string) => Promise<void>
const endingRights: EndRights[] = []
/**
 * Rooms register here how they delete everything that gives rights in the project, in the transaction that begins its
 * deletion.
 */
export const onProjectRightsEnding = (end: EndRights): void => void endingRights.push(end)

/** Rooms call this from `joins` of their room.ts. */
export function onProjectDeleting(thing: ProjectThing): void {
  things.push(thing)
  things.sort((a, b) => a.order - b.order)
  const last = steps.at(-1)
  steps.length = 0
  for (const each of things)
    steps.push({
      name: each.kind,
      title: `Removing: ${each.title}`,
      run: (run) => clear(run, each),
    })
  if (last) steps.push(last)
}

/** After a failed try the project stays disabled and marked; deleting it again continues where the try stopped. */
export const projectDeletion: Workflow = {
  action: 'project.delete',
  lane: 'long',
  steps,
  async onFailed(run) {
    await inTransaction(run.ctx, (tx) => directoryEvent(tx, 'project', 'updated', run.resourceId))
  },
}

/** Asks for the deletion of the things that are left, and waits as long as their number shrinks. */
async function clear(run: Run<unknown>, thing: ProjectThing): Promise<Wait | undefined> {
  const { ctx, resourceId } = run
  if ((await thing.count(ctx, resourceId)) === 0) return
  const why = await thing.remove(ctx, resourceId)
  const count = await thing.count(ctx, resourceId)
  if (count === 0) return
  const key = `left:${thing.kind}`
  const seen = run.data[key] as { count: number; at: number } | undefined
  if (seen?.count !== count) await run.keep({ [key]: { count, at: Date.now() } })
  else if (Date.now() - seen.at > patienceMs) throw leftOver([{ ...thing, count }], why)
  return { waitMs: pauseMs, for: `Waiting for ${thing.title} to go: ${count} left` }
}

const leftOver = (rest: { title: string; count: number }[], why: string | null = null) =>
  new CloudError(
    'unavailable',
    `Not everything of the project is gone yet: ${rest.map((t) => `${t.count} ${t.title}`).join(', ')}. ${why ?? ''}`.trim(),
  )

/**
 * Removes each row. A row that is gone already is fine, and a row that cannot be removed yet (a conflict) is tried
 * again later. Returns the sentence of the last conflict.
 */
export async function removeEach(
  rows: readonly { id: string }[],
  remove: (id: string) => Promise<unknown>,
): Promise<string | null> {
  let why: string | null = null
  for (const { id } of rows)
    await remove(id).catch((error: unknown) => {
      if (!(error instanceof CloudError)) throw error
      if (error.code === 'conflict') why = error.message
      else if (error.code !== 'not_found') throw error
    })
  return why
}

/** Counts the things of the project by kind, in the order of deletion, without kinds that the project has none of. */
export async function thingsOf(
  ctx: Ctx,
  projectId: string,
): Promise<{ kind: string; title: string; count: number }[]> {
  const counted = []
  for (const thing of things)
    counted.push({ kind: thing.kind, title: thing.title, count: await thing.count(ctx, projectId) })
  return counted.filter((thing) => thing.count > 0)
}

/**
 * Runs in ctx's transaction, with the domain locked and about to be deleted. Projects with nothing but what they had
 * from the start are deleted now; those that are being deleted, and the projects above them, are deleted later by the
 * worker. Throws conflict when another project has more.
 */
export async function deleteProjectsOf(ctx: Ctx, domainId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<
    { id: string; name: string; deleting: boolean; ancestors: string[] }[]
  >`SELECT "id", "name", "deleting", "ancestors" FROM "Project" WHERE "domainId" = ${domainId} ORDER BY "id" FOR UPDATE`
  for (const { id, name, deleting } of rows) if (!deleting) await demandEmpty(ctx, id, name)
  const going = rows.filter((row) => row.deleting)
  const later = rows.filter((row) => row.deleting || going.some((one) => one.ancestors.includes(row.id)))
  await removeProjectRows(
    ctx,
    rows.filter((row) => !later.includes(row)).map((row) => row.id),
  )
  for (const row of later) await beginDeletion(ctx, row)
}

/** Deletes the things that a project has from the start; throws conflict when the project has more. */
async function demandEmpty(ctx: Ctx, id: string, name: string): Promise<void> {
  for (const thing of things) {
    await thing.removeOriginal?.(ctx, id)
    const count = await thing.count(ctx, id)
    if (count > 0)
      throw conflict(
        `Project ${name} of this domain still has ${count} ${thing.title}. Delete the project first.`,
      )
  }
}

/** The things that are deleted with the project, and the projects that must be deleted first. */
export async function projectDeletionPlan(ctx: Ctx, input: { id: string }): Promise<ProjectDeletionPlan> {
  const row = await loadProject(ctx, input.id, 'identity:delete_project')
  const [assignments, children, found] = await Promise.all([
    ctx.db.roleAssignment.count({ where: { projectId: row.id } }),
    ctx.db.project.findMany({
      where: { parentId: row.id, deleting: false },
      select: { id: true, name: true },
      orderBy: { name: 'asc' },
      take: 100,
    }),
    thingsOf(ctx, row.id),
  ])
  return { project: toProjectDetail(row), things: found, assignments, children }
}

/**
 * Disables the project for good, ends its tokens and starts to delete its things. After a failed try, calling this
 * again continues where the try stopped. Returns the operation to watch.
 */
export async function deleteProject(ctx: Ctx, input: { id: string }): Promise<{ operationId: string }> {
  const project = await loadProject(ctx, input.id, 'identity:delete_project')
  demandMutable('project', project)
  const { id, name } = project
  if (ctx.scope.kind === 'project' && ctx.scope.projectId === id)
    throw new CloudError(
      'conflict',
      'You are working in this project. Switch to another one, then delete it.',
    )
  return inTransaction(ctx, async (tx) => {
    const locked = await tx.db.$queryRaw<unknown[]>`SELECT 1 FROM "Project" WHERE "id" = ${id} FOR UPDATE`
    if (locked.length === 0) throw notFound('project', id)
    if (await tx.db.project.findFirst({ where: { parentId: id, deleting: false }, select: { id: true } }))
      throw new CloudError('forbidden', 'There are projects below this one. Delete them first.')
    return { operationId: await beginDeletion(tx, { id, name }) }
  })
}

/**
 * Begins the deletion of a project whose row is locked. Everything that needs no host ends now: tokens and rights.
 * Returns the operation, also when one is under way already.
 */
async function beginDeletion(ctx: Ctx, { id, name }: { id: string; name: string }): Promise<string> {
  const running = await operationUnderWay(ctx, { resourceKind: 'project', resourceId: id }, 'project.delete')
  if (running) return running
  await ctx.db.project.update({ where: { id }, data: { enabled: false, deleting: true } })
  await endTokensOf(ctx, id, 'project deleted')
  await forgetRights(ctx, id)
  await directoryEvent(ctx, 'project', 'updated', id)
  return startOperation(ctx, {
    id: randomUUID(),
    action: 'project.delete',
    resourceKind: 'project',
    resourceId: id,
    resourceName: name,
    projectId: id,
  })
}

/** Ends all rights in the project at once, although its things are deleted later. */
async function forgetRights(ctx: Ctx, projectId: string): Promise<void> {
  const where = { projectId }
  await ctx.db.roleAssignment.deleteMany({ where })
  for (const forget of endingRights) await forget(ctx, projectId)
  await ctx.db.user.updateMany({
    where: { defaultProjectId: projectId },
    data: { defaultProjectId: null },
  })
}

/**
 * Deletes the rows of empty projects with everything that belongs to them alone. `ctx.db` is a transaction. Returns the
 * number of projects.
 */
async function removeProjectRows(ctx: Ctx, ids: readonly string[]): Promise<number> {
  const projectId = { in: [...ids] }
  await closePlace(ctx, { projectIds: ids })
  for (const forget of forgetting) await forget(ctx, ids)
  await ctx.db.user.updateMany({ where: { defaultProjectId: projectId }, data: { defaultProjectId: null } })
  const { count } = await ctx.db.project.deleteMany({ where: { id: projectId } })
  return count
}
