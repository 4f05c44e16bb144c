import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { projectNames } from '../../directory/service.ts'
import { type Ctx, listScope } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import type { InstancesSummary, instancesSummaryInput } from '../contract.ts'
import { type InstanceStatus, instanceStatus, type TaskState, type VmState } from '../states.ts'

const shownProjects = 5

/**
 * Returns how many instances there are in each state and, for the whole cloud, which projects have the most. The number
 * of queries does not grow with the number of instances.
 */
export async function summarizeInstances(
  ctx: Ctx,
  input: z.output<typeof instancesSummaryInput>,
): Promise<InstancesSummary> {
  const scope = listScope(ctx, input)
  authorize(ctx, 'compute:list_instances', scope)
  const where =
    scope.projectId === undefined ? Prisma.sql`TRUE` : Prisma.sql`"projectId" = ${scope.projectId}`
  const [states, projects] = await Promise.all([
    ctx.db.$queryRaw<{ vmState: VmState; taskState: TaskState | null; count: bigint }[]>`
      SELECT "vmState", "taskState", count(*) AS "count" FROM "Instance"
      WHERE ${where} AND "vmState" <> 'deleted' GROUP BY 1, 2`,
    input.allProjects ? biggest(ctx) : [],
  ])
  const byStatus: Partial<Record<InstanceStatus, number>> = {}
  for (const { vmState, taskState, count } of states) {
    const status = instanceStatus(vmState, taskState)
    byStatus[status] = (byStatus[status] ?? 0) + Number(count)
  }
  return { byStatus, projects }
}

async function biggest(ctx: Ctx): Promise<InstancesSummary['projects']> {
  const rows = await ctx.db.$queryRaw<
    { projectId: string; instances: bigint; vcpus: bigint; memoryMib: bigint }[]
  >`
    SELECT "projectId", count(*) AS "instances", sum("vcpus")::bigint AS "vcpus", sum("memoryMib")::bigint AS "memoryMib"
    FROM "Instance" WHERE "vmState" <> 'deleted'
    GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT ${shownProjects}`
  const names = await projectNames(
    ctx,
    rows.map(({ projectId }) => projectId),
  )
  return rows.map(({ projectId, instances, vcpus, memoryMib }) => ({
    id: projectId,
    name: names.get(projectId) ?? projectId,
    instances: Number(instances),
    vcpus: Number(vcpus),
    memoryMib: Number(memoryMib),
  }))
}
