import { type Ctx, projectOf, seesAll } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'

/** What one instance used in a span of time. */
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
  /** Within the span. */
  hours: number
}

const mostRows = 100_000

/**
 * Of every instance that was there between the two times, also of deleted ones; by project and
 * start. Another's project is forbidden for those who do not see all (as Nova says it).
 */
export async function usageBetween(
  ctx: Ctx,
  input: { projectId: string | null; from: Date; to: Date },
): Promise<ServerUsage[]> {
  const own = ctx.scope.kind === 'project' && ctx.scope.projectId === input.projectId
  if (!own && !seesAll(ctx)) {
    projectOf(ctx)
    throw new CloudError('forbidden', 'Only an administrator may see what other projects use.')
  }
  authorize(ctx, 'compute:list_instances', { projectId: input.projectId })
  const scope = input.projectId === null ? {} : { projectId: input.projectId }
  const select = {
    id: true,
    projectId: true,
    name: true,
    flavorName: true,
    vcpus: true,
    memoryMib: true,
    diskGib: true,
    createdAt: true,
    launchedAt: true,
  }
  const [now, past] = await Promise.all([
    ctx.db.instance.findMany({
      where: { ...scope, launchedAt: { lt: input.to } },
      select: { ...select, vmState: true },
      take: mostRows,
    }),
    ctx.db.pastInstance.findMany({
      where: { ...scope, launchedAt: { lt: input.to }, terminatedAt: { gt: input.from } },
      select: { ...select, terminatedAt: true },
      take: mostRows,
    }),
  ])
  const rows = [
    ...now.map((row) => ({ ...row, terminatedAt: null })),
    ...past.map((row) => ({ ...row, vmState: 'terminated' })),
  ]
  return rows
    .map((row) => usageOf(row, input))
    .sort((a, b) =>
      a.projectId === b.projectId
        ? a.startedAt.getTime() - b.startedAt.getTime()
        : a.projectId < b.projectId
          ? -1
          : 1,
    )
}

function usageOf(
  row: Omit<ServerUsage, 'instanceId' | 'state' | 'startedAt' | 'endedAt' | 'hours'> & {
    id: string
    vmState: string
    createdAt: Date
    launchedAt: Date | null
    terminatedAt: Date | null
  },
  { from, to }: { from: Date; to: Date },
): ServerUsage {
  const startedAt = row.launchedAt ?? row.createdAt
  const begin = Math.max(startedAt.getTime(), from.getTime())
  const end = Math.min((row.terminatedAt ?? to).getTime(), to.getTime())
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
