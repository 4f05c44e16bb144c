import { liveProject, type ProjectDetail, projectsById } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { EndpointView } from '../contract.ts'
import { allEndpoints, findEndpoint } from '../endpoints.ts'
import { catalogEvent, lockCatalog } from '../shared.ts'
import type { EndpointGroupView } from './contract.ts'
import { getEndpointGroup, toGroupView } from './groups.ts'
import { associated } from './matching.ts'

/** Associations of projects with endpoints and endpoint groups. A project with associations sees only these endpoints in its catalog. */

const read = 'catalog:list_project_endpoints'
const change = 'catalog:change_project_endpoints'
const most = 1000
/** How many associations a project may have at most, because each of its tokens reads all of them. */
const mostOfProject = 500
type Projects = { items: ProjectDetail[]; truncated: boolean }
type Association = { projectId: string; endpointId: string }
type GroupAssociation = { projectId: string; endpointGroupId: string }

const duplicate = (kind: string) =>
  new CloudError('already_exists', `Conflict occurred attempting to store ${kind} - Duplicate entry.`)
const absent = (what: string, { projectId }: { projectId: string }) =>
  new CloudError('not_found', `${what} not found in project ${projectId}.`)

/** Associates an endpoint with a project. Throws already_exists for a second time, not_found for an unknown project or endpoint. */
export async function addEndpoint(ctx: Ctx, at: Association): Promise<void> {
  authorize(ctx, change)
  await inTransaction(ctx, async (tx) => {
    await lockCatalog(tx)
    await findEndpoint(tx, at.endpointId)
    await liveProject(tx, at.projectId)
    if (await tx.db.projectEndpoint.findUnique({ where: { projectId_endpointId: at } }))
      throw duplicate('project_endpoint')
    demandRoom(await tx.db.projectEndpoint.count({ where: { projectId: at.projectId } }))
    await tx.db.projectEndpoint.create({ data: at })
    await catalogEvent(tx, 'endpoint', 'updated', at.endpointId, at.projectId)
  })
}

export async function checkEndpoint(ctx: Ctx, at: Association): Promise<void> {
  authorize(ctx, read)
  await findEndpoint(ctx, at.endpointId)
  await liveProject(ctx, at.projectId)
  if (!(await ctx.db.projectEndpoint.findUnique({ where: { projectId_endpointId: at } })))
    throw absent(`Endpoint ${at.endpointId}`, at)
}

export async function removeEndpoint(ctx: Ctx, at: Association): Promise<void> {
  authorize(ctx, change)
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.projectEndpoint.deleteMany({ where: at })
    if (count === 0) throw absent(`Endpoint ${at.endpointId}`, at)
    await catalogEvent(tx, 'endpoint', 'updated', at.endpointId, at.projectId)
  })
}

/** The endpoints with which the project is associated, directly or by a group. */
export async function endpointsOfProject(ctx: Ctx, projectId: string): Promise<EndpointView[]> {
  authorize(ctx, read)
  await liveProject(ctx, projectId)
  const own = await ctx.db.projectEndpoint.findMany({ where: { projectId }, take: mostOfProject })
  const filters = (await groupsOfProject(ctx, projectId)).map((group) => group.filters)
  return associated({ endpoints: own.map((row) => row.endpointId), filters }, await allEndpoints(ctx))
}

export async function projectsOfEndpoint(ctx: Ctx, endpointId: string): Promise<Projects> {
  authorize(ctx, read)
  await findEndpoint(ctx, endpointId)
  const rows = await ctx.db.projectEndpoint.findMany({
    where: { endpointId },
    orderBy: { projectId: 'asc' },
    take: most + 1,
  })
  return projectsOf(ctx, rows)
}

export async function addGroup(ctx: Ctx, at: GroupAssociation): Promise<void> {
  authorize(ctx, change)
  await inTransaction(ctx, async (tx) => {
    await demandBoth(tx, at)
    if (await tx.db.projectEndpointGroup.findUnique({ where: { projectId_endpointGroupId: at } }))
      throw duplicate('project_endpoint_group')
    demandRoom(await tx.db.projectEndpointGroup.count({ where: { projectId: at.projectId } }))
    await tx.db.projectEndpointGroup.create({ data: at })
    await catalogEvent(tx, 'endpoint_group', 'updated', at.endpointGroupId, at.projectId)
  })
}

export async function checkGroup(ctx: Ctx, at: GroupAssociation): Promise<void> {
  authorize(ctx, read)
  await demandBoth(ctx, at)
  if (!(await ctx.db.projectEndpointGroup.findUnique({ where: { projectId_endpointGroupId: at } })))
    throw absent(`Endpoint group ${at.endpointGroupId}`, at)
}

export async function removeGroup(ctx: Ctx, at: GroupAssociation): Promise<void> {
  authorize(ctx, change)
  await inTransaction(ctx, async (tx) => {
    await demandBoth(tx, at)
    const { count } = await tx.db.projectEndpointGroup.deleteMany({ where: at })
    if (count === 0) throw absent(`Endpoint group ${at.endpointGroupId}`, at)
    await catalogEvent(tx, 'endpoint_group', 'updated', at.endpointGroupId, at.projectId)
  })
}

export async function groupsOfProject(ctx: Ctx, projectId: string): Promise<EndpointGroupView[]> {
  authorize(ctx, read)
  await liveProject(ctx, projectId)
  const rows = await ctx.db.projectEndpointGroup.findMany({
    where: { projectId },
    include: { endpointGroup: true },
    orderBy: { endpointGroupId: 'asc' },
    take: mostOfProject,
  })
  return rows.map((row) => toGroupView(row.endpointGroup))
}

export async function projectsOfGroup(ctx: Ctx, endpointGroupId: string): Promise<Projects> {
  authorize(ctx, read)
  await getEndpointGroup(ctx, endpointGroupId, read)
  const rows = await ctx.db.projectEndpointGroup.findMany({
    where: { endpointGroupId },
    orderBy: { projectId: 'asc' },
    take: most + 1,
  })
  return projectsOf(ctx, rows)
}

async function projectsOf(ctx: Ctx, rows: readonly { projectId: string }[]): Promise<Projects> {
  const ids = rows.slice(0, most).map((row) => row.projectId)
  return { items: await projectsById(ctx, ids), truncated: rows.length > most }
}

async function demandBoth(ctx: Ctx, at: GroupAssociation): Promise<void> {
  await liveProject(ctx, at.projectId)
  if (!(await ctx.db.endpointGroup.findUnique({ where: { id: at.endpointGroupId }, select: { id: true } })))
    throw notFound('endpoint group', at.endpointGroupId)
}

function demandRoom(count: number): void {
  if (count >= mostOfProject)
    throw new CloudError('forbidden', `The project has ${mostOfProject} of them already. Remove one first.`)
}
