import { expect, test } from 'vitest'
import { keepChoice, keepDraft, lastChoice, takeDraft } from './draft.ts'
import { emptyLaunch } from './values.ts'

function storage(): Storage {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage
}
const ann = { userId: 'ann', projectId: 'demo' }

test('a half-typed form is there once more after the session has ended, for the same person and project', () => {
  const store = storage()
  expect(takeDraft(store, ann)).toBeNull()
  keepDraft(store, ann, { ...emptyLaunch, name: 'web' })
  expect(takeDraft(store, ann)?.name).toBe('web')
  expect(takeDraft(store, ann), 'once').toBeNull()
  keepDraft(store, ann, emptyLaunch)
  expect(takeDraft(store, { ...ann, projectId: 'other' })).toBeNull()
  expect(takeDraft(store, ann), 'and nobody else’s stays').toBeNull()
})

test('the last choice of image and size is kept by person and project', () => {
  const store = storage()
  keepChoice(store, ann, { imageId: 'i', flavorId: 'f' })
  expect(lastChoice(store, ann)).toEqual({ imageId: 'i', flavorId: 'f' })
  expect(lastChoice(store, { ...ann, userId: 'bob' })).toEqual({ imageId: null, flavorId: null })
})
