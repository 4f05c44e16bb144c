import { ownKey, preferenceKey } from '../kit/own-storage.ts'

/**
 * The projects that the user has pinned, and those that the user worked in last. Only their ids are stored, and only in
 * the browser. Pins stay after signing out; where the user has worked does not (kit/own-storage.ts).
 */
export type OwnProjects = { pinned: readonly string[]; recent: readonly string[] }
const mostRecent = 4

const pinsKey = (userId: string): string => preferenceKey(userId, 'projects.pinned')
const recentKey = (userId: string): string => ownKey(userId, 'projects.recent')

export const ownProjects = (store: Storage, userId: string): OwnProjects => ({
  pinned: idsIn(store.getItem(pinsKey(userId))),
  recent: idsIn(store.getItem(recentKey(userId))),
})

export function visited(store: Storage, userId: string, projectId: string): void {
  const { recent } = ownProjects(store, userId)
  const next = [projectId, ...recent.filter((id) => id !== projectId)].slice(0, mostRecent)
  store.setItem(recentKey(userId), JSON.stringify(next))
}

/** Pins or unpins the project; returns the pins and recent projects after that. */
export function togglePin(store: Storage, userId: string, projectId: string): OwnProjects {
  const own = ownProjects(store, userId)
  const pinned = own.pinned.includes(projectId)
    ? own.pinned.filter((id) => id !== projectId)
    : [...own.pinned, projectId]
  store.setItem(pinsKey(userId), JSON.stringify(pinned))
  return { ...own, pinned }
}

/** The list of the switcher: pinned projects, then recent projects, then the others, each once. */
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

function idsIn(text: string | null): string[] {
  try {
    const ids: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
  } catch {
    // The stored text is not ours, so it has no projects.
    return []
  }
}
