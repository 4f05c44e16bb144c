import { Prisma } from '@stratolith/db'
import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { CloudError, invalidInput } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { uuidPattern } from './instance-row.ts'

/** The usage of one instance in a span of time. */
export type ServerUsage = {
  instanceId: string
  projectId: string
  name: string
  flavorName: string
  vcpus: number
  memoryMib: number
  diskGib: number
  state: string
  startedAt: Date
  endedAt: Date | null
  /** Hours within the span. */
  hours: number
}

/** Returns the part of a host that the instances of each project take; for administrators. Units: vCPUs, MiB, GiB. */
export async function takenByProject(
  ctx: Ctx,
  hostId: string,
): Promise<{ projectId: string; vcpus: number; memoryMib: number; diskGib: number }[]> {
  authorize(ctx, 'hosts:list_hosts')
  const sums = await ctx.db.instance.groupBy({
    by: ['projectId'],
    where: { hostId },
    _sum: { vcpus: true, memoryMib: true, diskGib: true, ephemeralGib: true },
    orderBy: { projectId: 'asc' },
  })
  return sums.map(({ projectId, _sum: { vcpus, memoryMib, diskGib, ephemeralGib } }) => ({
    projectId,
    vcpus: vcpus ?? 0,
    memoryMib: memoryMib ?? 0,
    diskGib: (diskGib ?? 0) + (ephemeralGib ?? 0),
  }))
}

type Input = {
  projectId: string | null
  from: Date
  to: Date
  /** `after` is the id of the last instance of the page before. */
  page: { limit: number; after?: string }
}

/**
 * Returns a page of the instances that existed between the two times, also deleted instances, by project and start.
 * Throws forbidden for another project when the caller does not see all projects (as Nova does).
 */
export async function usageBetween(
  ctx: Ctx,
  input: Input,
): Promise<{ usages: ServerUsage[]; more: boolean }> {
  const own = ctx.scope.kind === 'project' && ctx.scope.projectId === input.projectId
  if (!own && !seesAll(ctx)) {
    projectOf(ctx)
    throw new CloudError('forbidden', 'Only an administrator may see what other projects use.')
  }
  authorize(ctx, 'compute:list_instances', { projectId: input.projectId })
  const { limit, after } = input.page
  if (after !== undefined) await requireMarker(ctx, input, after)
  const rows = await ctx.db.$queryRaw<Row[]>(Prisma.sql`
    WITH "used" AS (${usedBetween(input)})
    SELECT * FROM "used" ${after === undefined ? Prisma.empty : behind(after)}
    ORDER BY "projectId", "launchedAt", "id" LIMIT ${limit + 1}`)
  return { usages: rows.slice(0, limit).map((row) => usageOf(row, input)), more: rows.length > limit }
}

/** Selects the instances that have ever been started, live and deleted, as one table. */
function usedBetween({ projectId, from, to }: Input): Prisma.Sql {
  const scope = projectId === null ? Prisma.empty : Prisma.sql`AND "projectId" = ${projectId}`
  const columns = Prisma.raw(
    '"id", "projectId", "name", "flavorName", "vcpus", "memoryMib", "diskGib" + "ephemeralGib" AS "diskGib", "launchedAt"',
  )
  return Prisma.sql`
    SELECT ${columns}, "vmState", NULL::timestamptz AS "terminatedAt" FROM "Instance"
      WHERE "launchedAt" < ${to} ${scope}
    UNION ALL SELECT ${columns}, 'terminated', "terminatedAt" FROM "PastInstance"
      WHERE "launchedAt" < ${to} AND "terminatedAt" > ${from} ${scope}`
}

async function requireMarker(ctx: Ctx, input: Input, id: string): Promise<void> {
  const found = uuidPattern.test(id)
    ? await ctx.db.$queryRaw<Row[]>(Prisma.sql`
        WITH "used" AS (${usedBetween(input)}) SELECT "id" FROM "used" WHERE "id" = ${id}::uuid`)
    : []
  if (found.length === 0) throw invalidInput(`marker [${id.slice(0, 100)}] not found`)
}
const behind = (id: string) => Prisma.sql`WHERE ("projectId", "launchedAt", "id") >
  (SELECT "projectId", "launchedAt", "id" FROM "used" WHERE "id" = ${id}::uuid)`

type Row = Omit<ServerUsage, 'instanceId' | 'state' | 'startedAt' | 'endedAt' | 'hours'> & {
  id: string
  vmState: string
  launchedAt: Date
  terminatedAt: Date | null
}

function usageOf(row: Row, { from, to }: Input): ServerUsage {
  const startedAt = row.launchedAt
  const begin = Math.max(startedAt.getTime(), from.getTime())
  // An instance that still runs has not yet used the rest of the span after now.
  const end = Math.min((row.terminatedAt ?? to).getTime(), to.getTime(), Date.now())
  return {
    instanceId: row.id,
    projectId: row.projectId,
    name: row.name,
    flavorName: row.flavorName,
    vcpus: row.vcpus,
    memoryMib: row.memoryMib,
    diskGib: row.diskGib,
    state: row.vmState,
    startedAt,
    endedAt: row.terminatedAt,
    hours: Math.max(0, end - begin) / 3_600_000,
  }
}
