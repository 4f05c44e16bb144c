import { ownKey } from '../kit/own-storage.ts'

/**
 * The projects that this person has pinned, and those where they were last: in the browser alone, and IDs alone, so
 * that the pins may stay after signing out.
 */
export type OwnProjects = { pinned: readonly string[]; recent: readonly string[] }
const mostRecent = 4

const keyOf = (userId: string): string => ownKey(userId, 'projects')

export function ownProjects(store: Storage, userId: string): OwnProjects {
  try {
    const kept: unknown = JSON.parse(store.getItem(keyOf(userId)) ?? 'null')
    return { pinned: idsIn(kept, 'pinned'), recent: idsIn(kept, 'recent') }
  } catch {
    // Somebody else wrote there: nothing is pinned.
    return { pinned: [], recent: [] }
  }
}

export function visited(store: Storage, userId: string, projectId: string): void {
  const own = ownProjects(store, userId)
  const recent = [projectId, ...own.recent.filter((id) => id !== projectId)].slice(0, mostRecent)
  store.setItem(keyOf(userId), JSON.stringify({ ...own, recent }))
}

/** Pins it, or unpins it; returns what is kept now. */
export function togglePin(store: Storage, userId: string, projectId: string): OwnProjects {
  const own = ownProjects(store, userId)
  const pinned = own.pinned.includes(projectId)
    ? own.pinned.filter((id) => id !== projectId)
    : [...own.pinned, projectId]
  const next = { ...own, pinned }
  store.setItem(keyOf(userId), JSON.stringify(next))
  return next
}

/** The list of the switcher: pinned ones, recent ones, the others, each once. */
export function inGroups<T extends { key: string }>(
  choices: readonly T[],
  { pinned, recent }: OwnProjects,
): { label: string; choices: T[] }[] {
  const of = (ids: readonly string[]) => ids.flatMap((id) => choices.find(({ key }) => key === id) ?? [])
  const first = of(pinned)
  const then = of(recent.filter((id) => !pinned.includes(id)))
  const rest = choices.filter((choice) => !first.includes(choice) && !then.includes(choice))
  return [
    { label: 'Pinned', choices: first },
    { label: 'Recent', choices: then },
    { label: 'All', choices: rest },
  ].filter(({ choices }) => choices.length > 0)
}

function idsIn(kept: unknown, name: string): string[] {
  const ids: unknown = typeof kept === 'object' && kept !== null ? Reflect.get(kept, name) : null
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}
