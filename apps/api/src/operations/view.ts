import { maskVerdicts } from '../compute/contract.ts'
import { type Ctx, seesAll } from '../kernel/context.ts'
import type { HostVerdict, OperationView, PlacementView, StepView } from '../kernel/contract.ts'
import type { OperationRow } from '../kernel/history.ts'
import { workflowNamed } from '../kernel/workflow.ts'

/** The view of an operation: its steps are those that ran, in their order, and those still to come, so that the portal can draw the whole timeline. */
export function operationView(ctx: Ctx, row: OperationRow, resourceDeleted: boolean): OperationView {
  return {
    id: row.id,
    action: row.action,
    state: row.state as OperationView['state'],
    resourceKind: row.resourceKind,
    resourceId: row.resourceId,
    resourceName: row.resourceName,
    resourceDeleted,
    volumeName: volumeNameIn(row.input),
    projectId: row.projectId,
    actorName: row.actorName,
    requestId: row.requestId,
    globalRequestId: row.globalRequestId,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    errorMessage: row.errorMessage,
    explanation: explanationFor(ctx, row.explanation as PlacementView | HostVerdict[] | null),
    steps: stepsOf(row),
  }
}

function volumeNameIn(input: unknown): string | null {
  const { volumeName } = input as { volumeName?: unknown }
  return typeof volumeName === 'string' ? volumeName : null
}

/** The explanation for the caller. It is stored with the real names of hosts, which only administrators may read. Earlier versions stored the verdicts alone. */
function explanationFor(ctx: Ctx, stored: PlacementView | HostVerdict[] | null): PlacementView | null {
  if (!stored) return null
  const placement = Array.isArray(stored) ? counted(stored) : stored
  return seesAll(ctx) ? placement : { ...placement, verdicts: maskVerdicts(placement.verdicts) }
}

const counted = (verdicts: HostVerdict[]): PlacementView => ({
  total: verdicts.length,
  fit: verdicts.filter((verdict) => verdict.fits).length,
  refused: [],
  verdicts,
})

function stepsOf(row: OperationRow): StepView[] {
  const begun = new Set(row.steps.map((step) => step.name))
  const over = row.state !== 'queued' && row.state !== 'running'
  const pending = over ? [] : (workflowNamed(row.action)?.steps ?? []).filter(({ name }) => !begun.has(name))
  return [
    ...row.steps.map((step) => ({
      index: step.index,
      name: step.name,
      title: step.title,
      state: step.state as StepView['state'],
      progress: step.progress,
      startedAt: step.startedAt.toISOString(),
      finishedAt: step.finishedAt?.toISOString() ?? null,
      error: step.error,
    })),
    ...pending.map(({ name, title }, place) => ({
      index: row.steps.length + place,
      name,
      title,
      state: 'pending' as const,
      progress: null,
      startedAt: null,
      finishedAt: null,
      error: null,
    })),
  ]
}
