import { onlineManager, QueryObserver } from '@tanstack/react-query'
import { afterEach, expect, test, vi } from 'vitest'
import { newQueryClient } from './query-client.ts'
import { expectEnd } from './session-end.ts'

afterEach(() => {
  onlineManager.setOnline(true)
  vi.unstubAllGlobals()
})
const refusal = (code: string, field: string | null) =>
  Object.assign(new Error('x'), {
    data: { cloud: { code, field, message: 'No.', requestId: 'r', retryable: false } },
  })
const change = (error: unknown, onError?: () => void) => {
  const mutationFn = vi.fn(() => Promise.reject(error))
  const client = newQueryClient()
  return { mutationFn, done: client.getMutationCache().build(client, { mutationFn, onError }).execute({}) }
}
function pageOfPortal() {
  const assign = vi.fn()
  vi.stubGlobal('window', { location: { pathname: '/profile', search: '', assign } })
  return assign
}

test('a click without a network fails at once and is not carried out later', async () => {
  onlineManager.setOnline(false)
  const { mutationFn, done } = change(new TypeError('fetch failed'))
  await expect(done).rejects.toThrow('fetch failed')
  expect(mutationFn).toHaveBeenCalledOnce()
})

test('a query that failed without a network is read again when the network is back', async () => {
  onlineManager.setOnline(false)
  const client = newQueryClient()
  client.mount()
  const queryFn = vi.fn(() => (onlineManager.isOnline() ? Promise.resolve('read') : Promise.reject(refused)))
  const refused = refusal('internal', null)
  const observer = new QueryObserver(client, { queryKey: ['x'], queryFn })
  const stop = observer.subscribe(vi.fn())
  await vi.waitFor(() => expect(observer.getCurrentResult().isError).toBe(true))
  onlineManager.setOnline(true)
  await vi.waitFor(() => expect(observer.getCurrentResult().data).toBe('read'))
  stop()
  client.unmount()
})

test('a wrong password in a form does not end the session, but a refused session does, also beside a listener of the caller', async () => {
  const assign = pageOfPortal()
  await expect(change(refusal('unauthenticated', 'oldPassword')).done).rejects.toThrow()
  expect(assign).not.toHaveBeenCalled()
  // The request was sent in a session that had ended before, so no password has changed.
  expectEnd('password-changed')
  const listener = vi.fn()
  await expect(change(refusal('unauthenticated', null), listener).done).rejects.toThrow()
  expect(listener).toHaveBeenCalledOnce()
  expect(assign).toHaveBeenCalledWith('/sign-in?from=%2Fprofile&ended=ended')
})
