import type { ResourceAction } from './descriptor.ts'

/** The number of buttons beside the title of a page; the other actions are in the menu. */
const most = 3

/** The actions that make sense for a thing: of two opposites only the possible one. */
export function sensible<V>(actions: readonly ResourceAction<V>[], view: V): ResourceAction<V>[] {
  const can = (action: ResourceAction<V>) => action.allowed(view) === true
  const idle = (action: ResourceAction<V>) =>
    !can(action) && actions.some((other) => other.id === action.opposite && can(other))
  return actions.filter((action) => action.shown?.(view) !== false && !idle(action))
}

/**
 * Returns the buttons beside a title and the actions of the menu. The natural next step (a paused instance is resumed)
 * is the primary button. Actions that cannot be undone are always in the menu.
 */
export function headerActions<V>(
  actions: readonly ResourceAction<V>[],
  view: V,
): { next: ResourceAction<V> | null; buttons: ResourceAction<V>[]; menu: ResourceAction<V>[] } {
  const can = (action: ResourceAction<V>) => action.allowed(view) === true
  const there = sensible(actions, view)
  const next = there.find((action) => action.next?.(view) && can(action)) ?? null
  const plain = there.filter((action) => !action.danger && action !== next && action.inMenu?.(view) !== true)
  // Beside a next step impossible buttons are noise; without a next step they say why they are impossible.
  const buttons = (next ? plain.filter(can) : plain).slice(0, next ? most - 1 : most)
  return { next, buttons, menu: there.filter((action) => action !== next && !buttons.includes(action)) }
}
