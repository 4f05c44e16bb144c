import type { Prisma } from '@stratolith/db'
import { maskVerdicts } from '../compute/contract.ts'
import { type Ctx, seesAll } from '../kernel/context.ts'
import type { HostVerdict, OperationView, StepView } from '../kernel/contract.ts'
import { workflowNamed } from '../kernel/workflow.ts'

export type OperationRow = Prisma.OperationGetPayload<{ include: { steps: true } }>

/** The steps that ran and those still to come, so that the portal can draw the whole timeline. */
export function operationView(ctx: Ctx, row: OperationRow): OperationView {
  return {
    id: row.id,
    action: row.action,
    state: row.state as OperationView['state'],
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    resourceName: row.resourceName,
    projectId: row.projectId,
    actorName: row.actorName,
    requestId: row.requestId,
    globalRequestId: row.globalRequestId,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    errorMessage: row.errorMessage,
    explanation: explanationFor(ctx, row.explanation as HostVerdict[] | null),
    steps: stepsOf(row),
  }
}

/** Stored with the hosts' real names; only administrators read them. */
function explanationFor(ctx: Ctx, verdicts: HostVerdict[] | null): HostVerdict[] | null {
  return verdicts && (seesAll(ctx) ? verdicts : maskVerdicts(verdicts))
}

function stepsOf(row: OperationRow): StepView[] {
  const recorded = new Map(row.steps.map((step) => [step.index, step]))
  const planned = workflowNamed(row.action)?.steps ?? []
  const over = row.state === 'failed' || row.state === 'undoing'
  const count = Math.max(planned.length, ...row.steps.map((step) => step.index + 1), 0)
  return Array.from({ length: count }, (_, index) => {
    const step = recorded.get(index)
    const plan = planned[index]
    return {
      index,
      name: step?.name ?? plan?.name ?? '',
      title: step?.title ?? plan?.title ?? '',
      state: (step?.state ?? 'pending') as StepView['state'],
      progress: step?.progress ?? null,
      startedAt: step?.startedAt.toISOString() ?? null,
      finishedAt: step?.finishedAt?.toISOString() ?? null,
      error: step?.error ?? null,
    }
  }).filter((step) => !(over && step.state === 'pending'))
}
