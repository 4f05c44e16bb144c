import { expect, test } from 'vitest'
import { inGroups, ownProjects, togglePin, visited } from './own-projects.ts'

const storage = (): Storage => {
  const kept = new Map<string, string>()
  return {
    ...{ length: 0, key: () => null, clear: () => kept.clear() },
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
}

test('recent projects are stored for each user, the newest first and each once', () => {
  const store = storage()
  for (const id of ['a', 'b', 'a', 'c', 'd', 'e']) visited(store, 'ann', id)
  expect(ownProjects(store, 'ann').recent).toEqual(['e', 'd', 'c', 'a'])
  expect(ownProjects(store, 'bob').recent).toEqual([])
})

test('a pin stays until the project is unpinned', () => {
  const store = storage()
  togglePin(store, 'ann', 'a')
  visited(store, 'ann', 'b')
  expect(ownProjects(store, 'ann')).toEqual({ pinned: ['a'], recent: ['b'] })
  togglePin(store, 'ann', 'a')
  expect(ownProjects(store, 'ann').pinned).toEqual([])
})

test('a stored text that is not ours pins nothing', () => {
  const store = storage()
  togglePin(store, 'ann', 'a')
  store.getItem = () => '["a"'
  expect(ownProjects(store, 'ann')).toEqual({ pinned: [], recent: [] })
  store.getItem = () => '[1,"a",{}]'
  expect(ownProjects(store, 'ann')).toEqual({ pinned: ['a'], recent: ['a'] })
  store.getItem = () => '{"0":"a"}'
  expect(ownProjects(store, 'ann')).toEqual({ pinned: [], recent: [] })
})

test('each project is in the list once, and a project that is gone is not in the list', () => {
  const choices = ['a', 'b', 'c', 'd'].map((key) => ({ key }))
  const groups = inGroups(choices, { pinned: ['c', 'gone'], recent: ['c', 'b'] })
  expect(groups.map(({ label, choices }) => [label, choices.map(({ key }) => key)])).toEqual([
    ['Pinned', ['c']],
    ['Recent', ['b']],
    ['All', ['a', 'd']],
  ])
})
