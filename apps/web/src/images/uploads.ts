import { pageHeaders, type Sender } from '../kit/place.ts'

/**
 * Uploads outlive the panel that started them: they are kept in this module, and components read them with
 * useSyncExternalStore. Each uses an XMLHttpRequest, because fetch reports no upload progress.
 */
export type Upload = {
  imageId: string
  name: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  sentBytes: number
  totalBytes: number
  /** Smoothed over the last seconds; null until there are enough samples. */
  bytesPerSecond: number | null
  /** The server's sentence when the upload has failed. */
  error: string | null
  startedAt: number
}

/** The part of XMLHttpRequest that uploads use. */
type Request = Pick<
  XMLHttpRequest,
  'open' | 'send' | 'abort' | 'setRequestHeader' | 'status' | 'responseText'
> & {
  upload: { onprogress: unknown }
  onload: unknown
  onerror: unknown
}
export type UploadDeps = {
  request: () => Request
  now: () => number
  /** Called when the first upload begins and when the last one ends, because leaving the page would end an upload. */
  guard: (on: boolean) => void
  /** Called with the server's error when it refuses an upload. */
  refused: (error: unknown) => void
}

/** Makes a store of uploads; tests make their own, and the portal has one (portal-uploads.ts). */
export function createUploadStore(deps: UploadDeps) {
  let items: readonly Upload[] = []
  const listeners = new Set<() => void>()
  const requests = new Map<string, Request>()

  const set = (imageId: string, change: Partial<Upload>): void => {
    items = items.map((item) => (item.imageId === imageId ? { ...item, ...change } : item))
    for (const listener of listeners) listener()
  }
  const settle = (imageId: string, change: Partial<Upload>): void => {
    if (!requests.delete(imageId)) return
    if (requests.size === 0) deps.guard(false)
    set(imageId, { bytesPerSecond: null, ...change })
  }

  return {
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    getSnapshot: (): readonly Upload[] => items,

    /**
     * Sends the file as the image's data, for the place and the user of the page. Returns at once; the store reports the progress.
     */
    start(image: { id: string; name: string }, file: Blob, sender: Sender): void {
      const request = deps.request()
      const meter = speedMeter(deps.now)
      requests.get(image.id)?.abort()
      requests.set(image.id, request)
      if (requests.size === 1) deps.guard(true)
      items = [
        ...items.filter((item) => item.imageId !== image.id),
        {
          imageId: image.id,
          name: image.name,
          state: 'running',
          sentBytes: 0,
          totalBytes: file.size,
          bytesPerSecond: null,
          error: null,
          startedAt: deps.now(),
        },
      ]
      for (const listener of listeners) listener()
      request.upload.onprogress = ({ loaded }: { loaded: number }) =>
        set(image.id, { sentBytes: Math.min(loaded, file.size), bytesPerSecond: meter(loaded) })
      request.onload = () => {
        if (request.status >= 200 && request.status < 300)
          return settle(image.id, { state: 'done', sentBytes: file.size })
        settle(image.id, { state: 'failed', error: serverSentence(request) })
        deps.refused(field(bodyOf(request.responseText), 'error'))
      }
      request.onerror = () =>
        settle(image.id, {
          state: 'failed',
          error:
            'The connection broke during the upload. Check the network, delete the image and upload it again.',
        })
      request.open('PUT', `/api/upload/images/${encodeURIComponent(image.id)}`)
      request.setRequestHeader('Content-Type', 'application/octet-stream')
      for (const [name, value] of Object.entries(pageHeaders(sender))) request.setRequestHeader(name, value)
      request.send(file)
    },

    /** Stops a running upload; the image stays without data until it is deleted. */
    cancel(imageId: string): void {
      requests.get(imageId)?.abort()
      settle(imageId, { state: 'cancelled' })
    },

    /** Takes a finished upload out of the tray; a running one stays. */
    dismiss(imageId: string): void {
      items = items.filter((item) => item.imageId !== imageId || item.state === 'running')
      for (const listener of listeners) listener()
    },
  }
}

/** Returns the upload route's own sentence, { error: { message } }, else a sentence for the status code. */
function serverSentence(request: Pick<Request, 'status' | 'responseText'>): string {
  const found = sentenceIn(request.responseText)
  if (found) return found
  if (request.status === 401) return 'Your session has ended. Sign in again and repeat the upload.'
  if (request.status === 413) return 'The file is larger than this cloud takes.'
  return `The server refused the upload (code ${request.status}). Try again; if it stays so, ask an administrator.`
}
function sentenceIn(text: string): string | null {
  const body = bodyOf(text)
  for (const holder of [body, field(body, 'error')]) {
    const message = field(holder, 'message')
    if (typeof message === 'string' && message !== '') return message
  }
  return null
}
function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // The answer of a proxy may be a page, which is no sentence for people.
  }
}
const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

/** Returns a meter of bytes per second over a sliding window of four seconds. */
export function speedMeter(now: () => number): (loaded: number) => number | null {
  const samples: { at: number; loaded: number }[] = [{ at: now(), loaded: 0 }]
  return (loaded) => {
    const at = now()
    samples.push({ at, loaded })
    while (samples.length > 2 && (samples[1]?.at ?? at) < at - 4000) samples.shift()
    const first = samples[0]
    if (!first || at - first.at < 300) return null
    return ((loaded - first.loaded) * 1000) / (at - first.at)
  }
}

/** Returns the seconds that are left at this speed; null when the speed is not known. */
export const secondsLeft = (
  upload: Pick<Upload, 'sentBytes' | 'totalBytes' | 'bytesPerSecond'>,
): number | null =>
  upload.bytesPerSecond === null || upload.bytesPerSecond <= 0
    ? null
    : Math.ceil((upload.totalBytes - upload.sentBytes) / upload.bytesPerSecond)
