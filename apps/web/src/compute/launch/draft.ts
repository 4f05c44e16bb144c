import type { LaunchValues } from './values.ts'

/** What the launch form remembers of this person in this project: in the browser alone. */
type Owner = { userId: string; projectId: string | null }
type Choice = { imageId: string | null; flavorId: string | null }

const draftKey = 'stratolith.launch.draft'
const choiceKey = ({ userId, projectId }: Owner) => `stratolith.launch.choice ${userId} ${projectId}`

/** Half typed, when the page is left for the sign-in page or loaded again. */
export function keepDraft(store: Storage, owner: Owner, values: LaunchValues): void {
  store.setItem(draftKey, JSON.stringify({ owner, values }))
}

/** Once; null when there is none of this person and project. */
export function takeDraft(store: Storage, owner: Owner): LaunchValues | null {
  const text = store.getItem(draftKey)
  store.removeItem(draftKey)
  if (text === null) return null
  const draft: { owner: Owner; values: LaunchValues } = JSON.parse(text)
  return draft.owner.userId === owner.userId && draft.owner.projectId === owner.projectId
    ? draft.values
    : null
}

/** What was launched last is what stands chosen next time. */
export function keepChoice(store: Storage, owner: Owner, { imageId, flavorId }: Choice): void {
  store.setItem(choiceKey(owner), JSON.stringify({ imageId, flavorId }))
}

export function lastChoice(store: Storage, owner: Owner): Choice {
  const text = store.getItem(choiceKey(owner))
  return text === null ? { imageId: null, flavorId: null } : JSON.parse(text)
}
