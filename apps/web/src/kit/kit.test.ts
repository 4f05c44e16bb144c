import { describe, expect, it, test, vi } from 'vitest'
import { refuseForeign } from '../identity/server/origin.ts'
import { endText, operationTitle, resourcePath } from '../operations/words.ts'
import { cloudError, formErrors, isLostMarker, isNothing } from './errors.ts'
import { ago, bytes, seconds, shortId } from './format.ts'
import { safeReturnPath, wayBack } from './paths.ts'

describe('the address after a sign-in', () => {
  it.each([
    ['/instances?status=ACTIVE', '/instances?status=ACTIVE'],
    ['//evil.example/x', '/'],
    ['/\\evil.example', '/'],
    ['/.//evil.com/x', '/'],
    ['/..//evil.com', '/'],
    ['/x/..//evil.com', '/'],
    ['/%2e//evil.com', '/'],
    ['//', '/'],
    ['https://evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/sign-in?from=/x', '/'],
    [null, '/'],
  ])('%s → %s', (from, to) => expect(safeReturnPath(from)).toBe(to))
})

test.each([
  ['/instances/7', '/instances'],
  ['/admin/users/7', '/admin/users'],
  ['/admin/hosts', '/'],
  ['/instances', '/'],
])('from %s one goes back to %s', (from, to) => expect(wayBack(from).href).toBe(to))

describe('requests that change something', () => {
  const request = (headers: Record<string, string>) =>
    new Request('http://127.0.0.1:7002/api/x', {
      method: 'POST',
      headers: { host: 'cloud:8080', ...headers },
    })
  it('are accepted from the portal’s own pages, over http and https', () => {
    expect(
      refuseForeign(request({ origin: 'http://cloud:8080', 'sec-fetch-site': 'same-origin' })),
    ).toBeNull()
    expect(refuseForeign(request({ origin: 'http://cloud:8080' }))).toBeNull()
    vi.stubEnv('STRATOLITH_FRONT_SECRET', 'front')
    const tls = { 'x-stratolith-door': 'front', 'x-forwarded-proto': 'https' }
    expect(refuseForeign(request({ origin: 'https://cloud:8080', ...tls }))).toBeNull()
    expect(refuseForeign(request({ origin: 'http://cloud:8080', ...tls }))?.status).toBe(403)
    vi.unstubAllEnvs()
  })
  it.each<Record<string, string>>([
    { origin: 'http://evil.example' },
    { origin: 'http://cloud:8081' },
    { origin: 'https://cloud:8080' },
    { origin: 'null' },
    { origin: 'http://cloud:8080', 'sec-fetch-site': 'cross-site' },
    { origin: 'http://cloud:8080', 'sec-fetch-site': 'same-site' },
    {},
  ])('are refused with %o', (headers) => expect(refuseForeign(request(headers))?.status).toBe(403))
})

describe('errors', () => {
  it('are the cloud’s own words, at the field that is to blame', () => {
    const view = {
      code: 'invalid_input',
      message: 'Give it a name.',
      requestId: 'req-1',
      field: 'name',
      retryable: false,
    }
    const error = Object.assign(new Error('x'), { data: { cloud: view } })
    expect(cloudError(error)).toEqual(view)
    expect(formErrors(error)).toEqual({ name: 'Give it a name.' })
  })
  it('of an impossible ID are those of a thing that does not exist', () => {
    const error = (code: string, field: string | null) =>
      Object.assign(new Error('x'), {
        data: { cloud: { code, field, message: 'Invalid UUID', requestId: 'r', retryable: false } },
      })
    expect(isNothing(error('invalid_input', 'id'))).toBe(true)
    expect(isNothing(error('not_found', null))).toBe(true)
    expect(isNothing(error('invalid_input', 'name'))).toBe(false)
    expect(isNothing(null)).toBe(false)
    expect(isLostMarker(error('invalid_input', 'marker'))).toBe(true)
    expect(isLostMarker(error('invalid_input', 'search'))).toBe(false)
    expect(isLostMarker(null)).toBe(false)
  })
  it('of the network are a sentence', () => {
    expect(cloudError(new TypeError('fetch failed'))).toMatchObject({ code: 'unavailable', retryable: true })
    expect(formErrors(new TypeError('fetch failed'))).toEqual({})
  })
})

describe('words', () => {
  it('of IDs are cut where that is seen', () => {
    const id = '0b1f6a52-8c39-4f43-9c53-0a4de3a31c11'
    expect([id, `req-${id}`, id.replaceAll('-', ''), 'web-1', ''].map(shortId)).toEqual([
      ...['0b1f6a52…', 'req-0b1f6a52…', '0b1f6a52…'],
      ...['web-1', ''],
    ])
  })
  it('of numbers', () => {
    expect([bytes(0), bytes(1536), bytes(512 * 1024 ** 2)]).toEqual(['0 B', '1.5 KiB', '512 MiB'])
    expect([seconds(0.4), seconds(340), seconds(999.7), seconds(12_400), seconds(125_000)]).toEqual([
      '0 ms',
      '340 ms',
      '1.0 s',
      '12 s',
      '2 min 5 s',
    ])
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:03:00Z'))).toBe('3 minutes ago')
  })
  it('of operations', () => {
    expect(operationTitle({ action: 'instance.create' })).toBe('Create instance')
    expect(operationTitle({ action: 'host.removeUnknown' })).toBe('Remove what is unknown')
    expect(operationTitle({ action: 'securityGroup.addRule' })).toBe('Add rule: security group')
    expect(endText({ action: 'instance.create', resourceName: 'web' })).toBe('“web” runs')
    expect(endText({ action: 'network.delete', resourceName: 'net' })).toBe('“net” is deleted')
    expect(endText({ action: 'instance.lock', resourceName: 'web' })).toBeNull()
  })
  it('of operations lead to things that exist, not to deleted ones', () => {
    const network = { resourceKind: 'network', resourceId: '7', resourceDeleted: false }
    expect(resourcePath(network)).toBe('/networks/7')
    expect(resourcePath({ ...network, resourceDeleted: true })).toBeNull()
    expect(resourcePath({ ...network, resourceKind: 'subnet' })).toBeNull()
  })
})
