import { describe, expect, it } from 'vitest'
import { createUploadStore, secondsLeft, speedMeter } from './uploads.ts'

function setup() {
  let time = 1000
  const sent: { method: string; url: string; body: unknown; headers: Record<string, string> }[] = []
  const made: ReturnType<typeof fakeRequest>[] = []
  function fakeRequest() {
    const call = { method: '', url: '', body: null as unknown, headers: {} as Record<string, string> }
    return {
      status: 0,
      responseText: '',
      aborted: false,
      upload: { onprogress: null as ((event: { loaded: number; total: number }) => void) | null },
      onload: null as (() => void) | null,
      onerror: null as (() => void) | null,
      open(method: string, url: string | URL) {
        call.method = method
        call.url = String(url)
      },
      setRequestHeader(name: string, value: string) {
        call.headers[name] = value
      },
      send(body?: unknown) {
        sent.push({ ...call, body })
      },
      abort() {
        this.aborted = true
      },
    }
  }
  const guarded: boolean[] = []
  const refused: unknown[] = []
  const store = createUploadStore({
    guard: (on) => guarded.push(on),
    refused: (error) => refused.push(error),
    now: () => time,
    request: () => {
      const request = fakeRequest()
      made.push(request)
      return request
    },
  })
  const last = () => {
    const request = made.at(-1)
    if (!request) throw new Error('nothing was sent')
    return request
  }
  return { store, sent, last, guarded, refused, wait: (ms: number) => (time += ms) }
}
const here = { place: 'here', userId: 'ann' }
const image = { id: 'a/b', name: 'debian' }
const file = new Blob([new Uint8Array(1000)])

describe('upload store', () => {
  it('sends the file and tells its listeners progress and speed', () => {
    const { store, sent, last, guarded, wait } = setup()
    let told = 0
    const stop = store.subscribe(() => told++)
    store.start(image, file, here)
    expect(sent[0]).toMatchObject({ method: 'PUT', url: '/api/upload/images/a%2Fb', body: file })
    expect(sent[0]?.headers).toMatchObject({ 'x-stratolith-place': 'here', 'x-stratolith-user': 'ann' })
    wait(1000)
    last().upload.onprogress?.({ loaded: 500, total: 1000 })
    const [item] = store.getSnapshot()
    expect(item).toMatchObject({ state: 'running', sentBytes: 500, totalBytes: 1000, bytesPerSecond: 500 })
    expect(item && secondsLeft(item)).toBe(1)
    expect(guarded).toEqual([true])
    last().status = 204
    last().onload?.()
    expect(store.getSnapshot()[0]).toMatchObject({ state: 'done', sentBytes: 1000, bytesPerSecond: null })
    expect(guarded).toEqual([true, false])
    expect(told).toBe(3)
    stop()
    store.dismiss(image.id)
    expect(told).toBe(3)
    expect(store.getSnapshot()).toEqual([])
  })
  it('keeps the same snapshot while nothing changes', () => {
    const { store } = setup()
    store.start(image, file, here)
    expect(store.getSnapshot()).toBe(store.getSnapshot())
  })
  it.each([
    ['{"message":"It has a backing file."}', 400, 'It has a backing file.'],
    ['{"error":{"message":"Quota is used up."}}', 403, 'Quota is used up.'],
    ['<html>', 401, 'Your session has ended. Sign in again and repeat the upload.'],
    ['<html>', 413, 'The file is larger than this cloud takes.'],
  ])('shows the reason of the server: %s', (body, status, sentence) => {
    const { store, last } = setup()
    store.start(image, file, here)
    Object.assign(last(), { status, responseText: body })
    last().onload?.()
    expect(store.getSnapshot()[0]).toMatchObject({ state: 'failed', error: sentence })
  })
  it('reports a broken connection', () => {
    const { store, last } = setup()
    store.start(image, file, here)
    last().onerror?.()
    expect(store.getSnapshot()[0]?.error).toMatch(/connection broke/)
  })
  it('cancels an upload; a running upload cannot be dismissed', () => {
    const { store, last, guarded } = setup()
    store.start(image, file, here)
    store.dismiss(image.id)
    expect(store.getSnapshot()).toHaveLength(1)
    store.cancel(image.id)
    expect(last().aborted).toBe(true)
    expect(guarded).toEqual([true, false])
    expect(store.getSnapshot()[0]?.state).toBe('cancelled')
  })
  it('replaces an earlier upload to the same image', () => {
    const { store, last } = setup()
    store.start(image, file, here)
    last().onerror?.()
    store.start(image, file, here)
    expect(store.getSnapshot()).toHaveLength(1)
    expect(store.getSnapshot()[0]?.state).toBe('running')
  })
})

describe('speed', () => {
  it('forgets old samples', () => {
    let time = 0
    const meter = speedMeter(() => time)
    time = 100
    expect(meter(100)).toBeNull()
    for (let second = 1; second <= 10; second++) {
      time = second * 1000
      meter(second * 1_000_000)
    }
    time = 20_000
    meter(10_000_000)
    time = 25_000
    expect(meter(10_000_000)).toBe(0)
  })
  it('does not divide by zero', () => {
    expect(secondsLeft({ sentBytes: 0, totalBytes: 10, bytesPerSecond: 0 })).toBeNull()
  })
})
