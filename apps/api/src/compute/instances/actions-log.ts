import { hostRefs } from '../../hosts/service.ts'
import { type Ctx, visible } from '../../kernel/context.ts'
import { invalidInput, notFound } from '../../kernel/errors.ts'
import { type ActionsQuery, actionsOn } from '../../kernel/history.ts'
import { authorize } from '../../kernel/policy.ts'

/** One action on an instance with its steps, as OpenStack's clients read them. */
export type ActionRecord = {
  action: string
  instanceId: string
  requestId: string | null
  userId: string | null
  projectId: string | null
  startedAt: Date
  finishedAt: Date | null
  /** The reason of the failure as a sentence; null when the action has not failed. */
  failure: string | null
  host: { name: string } | null
  steps: { name: string; state: string; startedAt: Date; finishedAt: Date | null; error: string | null }[]
}
/**
 * Returns the actions on an instance, newest first, also of an instance that is gone. Throws not_found for an instance
 * that the caller cannot see.
 */
export async function actionsOf(ctx: Ctx, instanceId: string, query: ActionsQuery): Promise<ActionRecord[]> {
  const where = { id: instanceId, ...visible(ctx) }
  const select = { projectId: true, hostId: true }
  const row =
    (await ctx.db.instance.findFirst({ where, select })) ??
    (await ctx.db.pastInstance.findFirst({ where, select }))
  if (!row) throw notFound('instance', instanceId)
  authorize(ctx, 'compute:get_instance', row)
  const [operations, [host = null]] = await Promise.all([
    actionsOn(ctx, { resourceKind: 'instance', resourceId: instanceId }, query),
    row.hostId ? hostRefs(ctx, [row.hostId]) : [],
  ])
  if (!operations) throw invalidInput(`marker [${query.marker?.slice(0, 100)}] not found`)
  return operations.map((o) => ({
    action: o.action,
    instanceId,
    requestId: o.requestId,
    userId: o.actorId,
    projectId: o.projectId,
    startedAt: o.startedAt ?? o.createdAt,
    finishedAt: o.finishedAt,
    failure: o.state === 'failed' ? (o.errorMessage ?? 'Error') : null,
    host,
    steps: o.steps,
  }))
}
