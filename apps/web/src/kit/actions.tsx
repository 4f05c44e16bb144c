'use client'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { confirm } from './confirm.tsx'
import { counted, type ResourceAction, type RowsDescriptor } from './descriptor.ts'
import { cloudError } from './errors.ts'
import { notify } from './notify.ts'
import { invalidateKind } from './stale.ts'
import { dangerText } from './theme.ts'

/** Runs an action on some resources: asks when it must, says what has begun and what failed. */
export function useRunAction<V extends { id: string }>(descriptor: RowsDescriptor<V>) {
  const client = useQueryClient()
  return async (action: ResourceAction<V>, views: V[]): Promise<void> => {
    const first = views[0]
    if (!first) return
    if (action.confirm && !(await confirm({ ...action.confirm(views), danger: action.danger }))) return
    if (!action.run) return action.open?.(first)
    const run = action.run
    const results = await Promise.allSettled(views.map((view) => run(view)))
    invalidateKind(client, descriptor.kind)
    const done = views.filter((_, index) => results[index]?.status === 'fulfilled')
    if (done.length > 0)
      notify.started(action.started?.(done) ?? `${action.label}: ${names(done, descriptor)}`)
    const failed = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ view: views[index], error: result.reason as unknown }] : [],
    )
    for (const { view, error } of failed.slice(0, 3))
      notify.failed({
        ...cloudError(error),
        message: `${view ? descriptor.name(view) : ''}: ${cloudError(error).message}`,
      })
    if (failed.length > 3) notify.failed(new Error(`${failed.length - 3} more failed the same way.`))
  }
}

const names = <V extends { id: string }>(views: V[], descriptor: RowsDescriptor<V>): string =>
  views.length === 1 && views[0] ? descriptor.name(views[0]) : counted(views.length, descriptor)

/** The bar that appears while rows are selected. An action runs on those that allow it. */
export function BulkButtons<V extends { id: string }>({
  actions,
  views,
  onRun,
}: {
  actions: ResourceAction<V>[]
  views: V[]
  onRun: (action: ResourceAction<V>, views: V[]) => void
}) {
  return actions
    .filter((action) => action.bulk && action.run)
    .map((action) => {
      const able = views.filter((view) => action.allowed(view) === true)
      return (
        <ReasonButton
          key={action.id}
          size="xs"
          variant="default"
          leftSection={action.icon}
          allowed={able.length > 0 || firstReason(action, views)}
          c={action.danger && able.length > 0 ? dangerText : undefined}
          onClick={() => onRun(action, able)}
        >
          {action.label}
          {able.length > 0 && able.length < views.length ? ` (${able.length})` : ''}
        </ReasonButton>
      )
    })
}

function firstReason<V>(action: ResourceAction<V>, views: V[]): Allowed {
  const answers: Allowed[] = views.map((view) => action.allowed(view))
  return answers.find((answer) => answer !== true) ?? true
}
