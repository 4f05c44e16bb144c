'use client'
import { useQueryClient } from '@tanstack/react-query'
import { askWithOption } from './confirm.tsx'
import { counted, type ResourceAction, type RowsDescriptor } from './descriptor.ts'
import { endsOf } from './ends-of.ts'
import { cloudError, isNothing } from './errors.ts'
import { notify } from './notify.ts'
import { all } from './rights.ts'
import { begin, endAfter, runningKey, useRunning } from './running.ts'
import { rereadKind } from './stale.ts'

/**
 * Runs an action on some resources: asks first when the action needs confirmation, then says what has begun and what
 * failed. A resource whose last request has not been answered is skipped. `left` says which selected resources are left out, and
 * why. Resolves to whether all was done.
 */
export function useRunAction<V extends { id: string }>(descriptor: RowsDescriptor<V>) {
  const client = useQueryClient()
  return async (action: ResourceAction<V>, views: V[], left: string[] = []): Promise<boolean> => {
    const first = views[0]
    if (!first) return false
    const answer = action.confirm
      ? await askWithOption({
          ...action.confirm(views),
          danger: action.danger,
          names: views.length > 1 ? views.map(descriptor.name).toSorted() : undefined,
          left,
        })
      : { yes: true, ticked: false }
    if (!answer.yes) return false
    const { run } = action
    if (!run) {
      action.open?.(first)
      return false
    }
    const keys = begin(views.map(({ id }) => runningKey(descriptor.kind, id)))
    const free = views.filter(({ id }) => keys.includes(runningKey(descriptor.kind, id)))
    const since = Date.now()
    const results = await Promise.allSettled(free.map((view) => run(view, answer.ticked)))
    void endAfter(rereadKind(client, descriptor.kind), keys)
    say(descriptor, action, free, results, since)
    return free.length > 0 && results.every(({ status }) => status === 'fulfilled')
  }
}

function say<V extends { id: string }>(
  descriptor: RowsDescriptor<V>,
  action: ResourceAction<V>,
  views: V[],
  results: PromiseSettledResult<unknown>[],
  since: number,
): void {
  const done = views.filter((_, index) => results[index]?.status === 'fulfilled')
  const answers = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const undo = done.length > 0 ? (action.undo?.(done, answers) ?? null) : null
  if (undo) notify.undoable(undo)
  else if (done.length > 0)
    notify.started(
      action.started?.(done) ?? `${action.label}: ${names(done, descriptor)}`,
      endsOf(action, done),
      since,
    )
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ view: views[index], error: result.reason as unknown }] : [],
  )
  for (const { view, error } of failed.slice(0, 3))
    notify.failed({
      ...cloudError(error),
      // The cloud's not_found names the thing by its ID, which tells a person nothing here.
      message: `${view ? descriptor.name(view) : ''}: ${isNothing(error) ? 'somebody else was faster, and it is gone.' : cloudError(error).message}`,
    })
  if (failed.length > 3) notify.failed(new Error(`${failed.length - 3} more failed the same way.`))
}

/**
 * Returns the action as it may be clicked now: it is not allowed while the last request on the resource is under way.
 */
export function useGuarded<V extends { id: string }>(
  kind: string,
): (action: ResourceAction<V>) => ResourceAction<V> {
  const running = useRunning(kind)
  return (action) => ({ ...action, allowed: (view) => all(running(view.id), action.allowed(view)) })
}

const names = <V extends { id: string }>(views: V[], descriptor: RowsDescriptor<V>): string =>
  views.length === 1 && views[0] ? descriptor.name(views[0]) : counted(views.length, descriptor)
