import { expect, test } from 'vitest'
import { ownKey } from '../../kit/own-storage.ts'
import { addressChooses, keepChoice, keepDraft, lastChoice, takeDraft } from './draft.ts'
import type { LaunchOptions } from './use-launch-options.ts'
import { emptyLaunch } from './values.ts'

function storage() {
  const kept = new Map<string, string>()
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage
  return { kept, store }
}
const ann = { userId: 'ann', projectId: 'demo' }
const options = {
  ...{
    images: [{ id: 'i' }],
    flavors: [{ id: 'f' }],
    networks: [{ id: 'n' }],
    securityGroups: [{ id: 's' }],
  },
  ...{ keyPairs: [{ name: 'k' }], externalNetwork: { id: 'out' } },
} as unknown as LaunchOptions

test('a half-typed form comes back once after the session has ended, for the same person and project', () => {
  const { store } = storage()
  expect(takeDraft(store, ann, options)).toBeNull()
  keepDraft(store, ann, { ...emptyLaunch, name: 'web' })
  expect(takeDraft(store, { ...ann, projectId: 'other' }, options)).toBeNull()
  expect(takeDraft(store, { ...ann, userId: 'bob' }, options)).toBeNull()
  expect(takeDraft(store, ann, options)?.name, 'nobody else has taken it').toBe('web')
  expect(takeDraft(store, ann, options), 'once').toBeNull()
})

test('user data and passwords are not written to the browser', () => {
  const { store, kept } = storage()
  keepDraft(store, ann, { ...emptyLaunch, name: 'web', userData: 'a password', adminPass: 'a password' })
  expect([...kept.values()].join()).not.toContain('a password')
  expect(takeDraft(store, ann, options)).toMatchObject({ userData: '', adminPass: '' })
})

test('choices that are no longer offered are dropped', () => {
  const { store } = storage()
  const here = { imageId: 'i', flavorId: 'f', networkIds: ['n'], securityGroupIds: ['s'], keyName: 'k' }
  keepDraft(store, ann, { ...emptyLaunch, ...here, publicIp: true })
  expect(takeDraft(store, ann, options)).toEqual({ ...emptyLaunch, ...here, publicIp: true })
  const gone = { imageId: 'x', flavorId: 'x', networkIds: ['x', 'n'], securityGroupIds: ['x'], keyName: 'x' }
  keepDraft(store, ann, { ...emptyLaunch, ...gone, publicIp: true })
  expect(takeDraft(store, ann, { ...options, externalNetwork: null })).toEqual({
    ...emptyLaunch,
    networkIds: ['n'],
  })
})

test('a draft of another shape is read as far as possible', () => {
  const { store, kept } = storage()
  keepDraft(store, ann, emptyLaunch)
  const [key = ''] = kept.keys()
  kept.set(
    key,
    JSON.stringify({ name: 'web', count: {}, openPresets: ['telnet'], metadata: [null], more: 1 }),
  )
  expect(takeDraft(store, ann, options)).toEqual({ ...emptyLaunch, name: 'web' })
  for (const text of ['{', 'null', '[]', '"web"']) {
    kept.set(key, text)
    expect(takeDraft(store, ann, options)).toBeNull()
    expect(kept.size).toBe(0)
  }
})

test.each([
  ['', false],
  ['utm=1', false],
  ['image=i', true],
  ['snapshot=s', true],
  ['name=', true],
])('the address “%s” presets a field: %s', (query, chooses) =>
  expect(addressChooses(new URLSearchParams(query))).toBe(chooses),
)

test('the last choice of image and size is kept by person and project', () => {
  const { store, kept } = storage()
  keepChoice(store, ann, { imageId: 'i', flavorId: 'f' })
  expect(lastChoice(store, ann)).toEqual({ imageId: 'i', flavorId: 'f' })
  expect(lastChoice(store, { ...ann, userId: 'bob' })).toEqual({ imageId: null, flavorId: null })
  expect([...kept.keys()]).toEqual([ownKey('ann', 'launch.choice demo')])
  for (const key of kept.keys()) kept.set(key, '{"imageId":7')
  expect(lastChoice(store, ann)).toEqual({ imageId: null, flavorId: null })
})
