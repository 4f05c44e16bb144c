import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forgetOwn, ownKey, preferenceKey } from './own-storage.ts'

function storage(): Storage {
  const kept = new Map<string, string>()
  return {
    get length() {
      return kept.size
    },
    key: (index: number) => [...kept.keys()][index] ?? null,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    clear: () => kept.clear(),
  }
}
const draft = ownKey('ann', 'draft')
let store: Storage
let local: Storage
let assign: ReturnType<typeof vi.fn>
/** Each test loads the module anew, because a page is left only once. */
const page = async () => await import('./session-end.ts')
beforeEach(() => {
  vi.resetModules()
  store = storage()
  store.setItem(draft, 'secret')
  local = storage()
  local.setItem(ownKey('ann', 'projects.recent'), '["p"]')
  local.setItem(preferenceKey('ann', 'density'), 'comfortable')
  assign = vi.fn()
  const location = { pathname: '/x', search: '', assign }
  vi.stubGlobal('window', { location, sessionStorage: store, localStorage: local })
})
afterEach(() => vi.unstubAllGlobals())

test('a sign-out leaves nothing behind, whichever message of the end comes first', async () => {
  const { expectEnd, leave, leaveEnded, leftBecause } = await page()
  expectEnd('signed-out')
  leaveEnded('stream')
  leave('signed-out')
  expect(leftBecause()).toBe('signed-out')
  expect(assign.mock.calls).toEqual([['/sign-in']])
  expect(store.getItem(draft)).toBeNull()
  expect(local.getItem(ownKey('ann', 'projects.recent'))).toBeNull()
  expect(local.getItem(preferenceKey('ann', 'density')), 'tells nothing of anybody').toBe('comfortable')
})

test('a request that is refused during a sign-out counts as the sign-out', async () => {
  const { expectEnd, leaveEnded } = await page()
  expectEnd('signed-out')
  leaveEnded('refusal')
  expect(assign).toHaveBeenCalledWith('/sign-in')
  expect(store.getItem(draft)).toBeNull()
})

test('a session that ended elsewhere keeps half-typed input', async () => {
  const { leaveEnded } = await page()
  leaveEnded('stream')
  expect(assign).toHaveBeenCalledWith('/sign-in?from=%2Fx&ended=ended')
  expect(store.getItem(draft)).toBe('secret')
  expect(local.length).toBe(2)
})

test('another tab that hears of the sign-out leaves nothing behind either', async () => {
  const other = await page()
  const stop = other.hearSignOut()
  vi.resetModules()
  const { expectEnd } = await page()
  expectEnd('signed-out')
  await vi.waitFor(() => expect(other.endIsExpected()).toBe(true))
  expectEnd(null)
  await vi.waitFor(() => expect(other.endIsExpected(), 'the request failed').toBe(false))
  expectEnd('signed-out')
  await vi.waitFor(() => expect(other.endIsExpected()).toBe(true))
  other.leaveEnded('refusal')
  stop()
  expect(assign.mock.calls).toEqual([['/sign-in']])
  expect(store.getItem(draft)).toBeNull()
})

test('a password counts as changed when the events tell the end of the session, but not when a request is refused', async () => {
  const stream = await page()
  stream.expectEnd('password-changed')
  stream.leaveEnded('stream')
  expect(stream.leftBecause()).toBe('password-changed')
  vi.resetModules()
  const refused = await page()
  refused.expectEnd('password-changed')
  refused.leaveEnded('refusal')
  expect(refused.leftBecause()).toBe('ended')
})

test('another user finds nothing of the user before, and a user’s own things stay', () => {
  store.setItem('theirs', '1')
  forgetOwn(store, 'ann')
  expect(store.getItem(draft)).toBe('secret')
  forgetOwn(store, 'an')
  expect(store.getItem(draft)).toBeNull()
  expect(store.getItem('theirs')).toBe('1')
})
