import type { ResourceAction } from './descriptor.ts'

/** Buttons beside the title of a page; the others are in the menu. */
const most = 3

/**
 * What stands beside the title: first what one does next (a paused instance is resumed), as the primary button. What
 * cannot be undone is always in the menu, and of two opposites only the one that can be done is shown.
 */
export function headerActions<V>(
  actions: readonly ResourceAction<V>[],
  view: V,
): { next: ResourceAction<V> | null; buttons: ResourceAction<V>[]; menu: ResourceAction<V>[] } {
  const can = (action: ResourceAction<V>) => action.allowed(view) === true
  const idle = (action: ResourceAction<V>) =>
    !can(action) && actions.some((other) => other.id === action.opposite && can(other))
  const there = actions.filter((action) => !idle(action))
  const next = there.find((action) => action.next?.(view) && can(action)) ?? null
  const plain = there.filter((action) => !action.danger && action !== next)
  // Beside the way on, buttons that lead nowhere are noise; without one they say why.
  const buttons = (next ? plain.filter(can) : plain).slice(0, next ? most - 1 : most)
  return { next, buttons, menu: there.filter((action) => action !== next && !buttons.includes(action)) }
}
