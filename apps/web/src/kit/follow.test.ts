import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { follow, type LiveState } from './follow.ts'
import { endIsExpected, expectEnd, hearSignOut } from './session-end.ts'

class Stream extends EventTarget {
  static all: Stream[] = []
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    Stream.all.push(this)
  }
  close() {
    this.closed = true
  }
}
const page = Object.assign(new EventTarget(), { hidden: false })
const browser = new EventTarget()
let states: LiveState[]
let stop: () => void
const rights = vi.fn()
beforeEach(() => {
  Stream.all = []
  states = []
  vi.stubGlobal('EventSource', Stream)
  vi.stubGlobal('document', page)
  vi.stubGlobal('window', browser)
  stop = follow({ place: 'here', userId: 'ann' }, (state) => states.push(state), null, {
    event: vi.fn(),
    missed: vi.fn(),
    rights,
  })
})
afterEach(() => {
  stop()
  vi.unstubAllGlobals()
})
const last = () => Stream.all.at(-1)

test('a lost network is told at once, and the stream is followed again when the network is back', () => {
  last()?.onopen?.()
  last()?.dispatchEvent(
    Object.assign(new Event('change'), { data: JSON.stringify({ cursor: '7', kind: 'x', data: {} }) }),
  )
  browser.dispatchEvent(new Event('offline'))
  expect(states).toEqual(['live', 'offline'])
  expect(last()?.closed).toBe(true)
  browser.dispatchEvent(new Event('online'))
  expect(Stream.all).toHaveLength(2)
  expect(last()?.url, 'from where it was cut off').toBe('/api/events?at=here&user=ann&after=7')
  last()?.onopen?.()
  expect(states).toEqual(['live', 'offline', 'connecting', 'live'])
})

test('a page that the server has made with data follows from the place before its reads', () => {
  stop()
  const missed = vi.fn()
  stop = follow({ place: 'here', userId: 'ann' }, () => undefined, '1.2.3', {
    ...{ event: vi.fn(), missed, rights: vi.fn() },
  })
  expect(last()?.url).toBe('/api/events?at=here&user=ann&after=1.2.3')
  last()?.onopen?.()
  expect(missed).not.toHaveBeenCalled()
})

test('after the page is left nothing is followed', () => {
  stop()
  browser.dispatchEvent(new Event('online'))
  expect(Stream.all).toHaveLength(1)
  expect(last()?.closed).toBe(true)
})

test('a page asks anew what it may do when the stream tells that its rights have changed', () => {
  last()?.dispatchEvent(new Event('rights.changed'))
  last()?.dispatchEvent(Object.assign(new Event('rights'), { data: '["reader"]' }))
  expect(rights.mock.calls).toEqual([[null], [['reader']]])
})

test('a hidden tab whose person has signed out and in again meanwhile is not left when a role changes', async () => {
  const assign = vi.fn()
  vi.stubGlobal('window', Object.assign(browser, { location: { pathname: '/profile', search: '', assign } }))
  vi.resetModules()
  const other = await import('./session-end.ts')
  const deaf = hearSignOut()
  other.expectEnd('signed-out')
  await vi.waitFor(() => expect(endIsExpected()).toBe(true))
  last()?.dispatchEvent(Object.assign(new Event('rights'), { data: '["reader"]' }))
  last()?.dispatchEvent(new Event('rights.changed'))
  deaf()
  expect(rights).toHaveBeenLastCalledWith(null)
  expect(assign).not.toHaveBeenCalled()
})

test('an end of the session that the stream tells is the end that this page asked for', () => {
  const assign = vi.fn()
  vi.stubGlobal('window', Object.assign(browser, { location: { pathname: '/profile', search: '', assign } }))
  expectEnd('password-changed')
  last()?.dispatchEvent(new Event('rights.changed'))
  expect(assign).toHaveBeenCalledWith('/sign-in?from=%2Fprofile&ended=password-changed')
})
