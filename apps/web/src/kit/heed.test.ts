import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const sender = { place: 'here', userId: 'ann' }
const refusal = (code: string, field: string | null) => ({
  error: { data: { cloud: { code, field, message: 'No.', requestId: '', retryable: false } } },
})
let assign: ReturnType<typeof vi.fn>
let asked: ReturnType<typeof vi.fn<() => void>>
beforeEach(() => {
  // A page is left only once, so each test has a page of its own.
  vi.resetModules()
  assign = vi.fn()
  asked = vi.fn<() => void>()
  const page = new EventTarget()
  vi.stubGlobal('window', Object.assign(page, { location: { pathname: '/api-access', search: '', assign } }))
})
afterEach(() => vi.unstubAllGlobals())

/** Each way by which a page asks the portal's server, with this answer. */
const ways = {
  'a query or a change': async (answer: ReturnType<typeof refusal>) => {
    const { newQueryClient } = await import('./query-client.ts')
    const client = newQueryClient()
    const fails = () => Promise.reject(answer.error)
    await client.fetchQuery({ queryKey: ['x'], queryFn: fails, retry: false }).catch(() => null)
  },
  'another route': async (answer: ReturnType<typeof refusal>) => {
    const { askPortal } = await import('./ask-portal.ts')
    vi.stubGlobal('fetch', async () => Response.json(answer, { status: 400 }))
    await expect(askPortal('/api/token', sender)).rejects.toEqual(answer.error)
  },
  'an upload': async (answer: ReturnType<typeof refusal>) => {
    const { uploads } = await import('../images/portal-uploads.ts')
    class Request {
      upload = {}
      status = 400
      responseText = JSON.stringify(answer)
      onload = () => undefined
      open = () => undefined
      abort = () => undefined
      setRequestHeader = () => undefined
      send = () => this.onload()
    }
    vi.stubGlobal('XMLHttpRequest', Request)
    uploads.start({ id: 'i', name: 'n' }, new Blob(['x']), sender)
  },
}

test.each(Object.entries(ways))(
  'a dead session leads to the sign-in page and back: %s',
  async (_way, ask) => {
    await ask(refusal('unauthenticated', null))
    expect(assign).toHaveBeenCalledWith('/sign-in?from=%2Fapi-access&ended=ended')
  },
)

test.each(Object.entries(ways))(
  'a page that has lost its place asks for its rights: %s',
  async (_way, ask) => {
    const { rightsChanged } = await import('./heed.ts')
    window.addEventListener(rightsChanged, asked)
    await ask(refusal('forbidden', 'place'))
    expect(asked).toHaveBeenCalledOnce()
    await ask(refusal('forbidden', null))
    expect(asked, 'any other refusal is none of this').toHaveBeenCalledOnce()
    expect(assign).not.toHaveBeenCalled()
  },
)
