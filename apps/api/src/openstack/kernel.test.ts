import net from 'node:net'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { CloudError, notFound } from '../kernel/errors.ts'
import { parseJsonBody } from './body.ts'
import { type ErrorStyle, errorAnswer, HttpError } from './errors.ts'
import { type MicroversionRange, microversionHeaders, requestedMicroversion } from './microversions.ts'
import { boundBodyTime } from './mount.ts'
import { nextLink, pageQuery } from './pages.ts'
import { allServices, catalogOf, endpointsOf, registerService } from './services.ts'

const id = 'req-102ae999-aa4a-41f3-9fac-a099d1fcbf4e'
const of = (style: ErrorStyle, error: CloudError | HttpError) => errorAnswer(style, error, id)

describe('error bodies', () => {
  const gone = notFound('network', 'nope')
  const message = 'Network nope could not be found.'
  test('have the form of each service', () => {
    const bodies = {
      keystone: { error: { code: 404, message: 'Could not find network: nope.', title: 'Not Found' } },
      nova: { itemNotFound: { code: 404, message } },
      cinder: { itemNotFound: { code: 404, message } },
      neutron: { NeutronError: { type: 'NetworkNotFound', message, detail: '' } },
      placement: { errors: [{ status: 404, title: 'Not Found', detail: message, request_id: id }] },
    }
    for (const [style, body] of Object.entries(bodies)) {
      const answer = of(style as ErrorStyle, gone)
      expect([answer.status, JSON.parse(answer.body)], style).toEqual([404, body])
      expect(answer.contentType).toMatch(/^application\/json(; charset=UTF-8)?$/)
    }
    const glance = of('glance', new HttpError(404, 'No image found with ID nope'))
    expect(glance).toEqual({
      status: 404,
      contentType: 'text/html; charset=UTF-8',
      body: '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID nope<br /><br />\n\n\n\n </body>\n</html>',
    })
  })
  test('escape HTML (A25)', () => {
    for (const style of ['glance', 'swift'] as const) {
      const { body } = of(style, new HttpError(400, `<script>alert("1")</script>&'`))
      expect(body).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;')
      expect(body).not.toContain('<script>')
    }
  })
  test('of an exceeded quota are 403 in Nova, 413 in Cinder and Glance, 409 OverQuota in Neutron', () => {
    const quota = new CloudError('quota_exceeded', 'Too many.')
    expect([of('nova', quota).status, JSON.parse(of('nova', quota).body)]).toEqual([
      403,
      { forbidden: { code: 403, message: 'Too many.' } },
    ])
    expect(JSON.parse(of('cinder', quota).body)).toEqual({
      overLimit: { code: 413, message: 'Too many.', retryAfter: '0' },
    })
    expect(JSON.parse(of('neutron', quota).body).NeutronError.type).toBe('OverQuota')
    expect([of('neutron', quota).status, of('glance', quota).status]).toEqual([409, 413])
  })
  test('of Neutron have the type that a façade names, and Nova’s 406 and 500 are computeFault', () => {
    const inUse = new HttpError(409, 'In use.', { type: 'SubnetInUse' })
    expect(JSON.parse(of('neutron', inUse).body).NeutronError.type).toBe('SubnetInUse')
    for (const status of [406, 500])
      expect(Object.keys(JSON.parse(of('nova', new HttpError(status, 'x')).body))).toEqual(['computeFault'])
  })
  test('of status 401 are those of the auth middleware in every service, and no body contains the detail of an error', () => {
    for (const style of ['keystone', 'nova', 'neutron', 'cinder', 'placement', 'swift'] as const) {
      const error = new CloudError('unauthenticated', 'the token expired', { detail: 'secret' })
      expect(JSON.parse(of(style, error).body)).toEqual({
        error: {
          code: 401,
          message: 'The request you have made requires authentication.',
          title: 'Unauthorized',
        },
      })
      expect(of(style, new CloudError('internal', 'x', { detail: 'secret' })).body).not.toContain('secret')
    }
  })
})

describe('microversions', () => {
  const range: MicroversionRange = {
    service: 'compute',
    legacyHeader: 'X-OpenStack-Nova-API-Version',
    min: [2, 1],
    max: [2, 79],
  }
  const ask = (headers: Record<string, string>) => requestedMicroversion(range, headers)
  test('come from either header (the newer one wins), may be absent or latest, and those of other services are ignored', () => {
    expect(ask({})).toEqual([2, 1])
    expect(ask({ 'openstack-api-version': 'compute latest' })).toEqual([2, 79])
    expect(ask({ 'x-openstack-nova-api-version': '2.60' })).toEqual([2, 60])
    expect(ask({ 'openstack-api-version': 'compute 2.10', 'x-openstack-nova-api-version': '2.60' })).toEqual([
      2, 10,
    ])
    expect(ask({ 'openstack-api-version': 'volume 3.60, compute 2.12' })).toEqual([2, 12])
    expect(ask({ 'openstack-api-version': 'volume 3.60' })).toEqual([2, 1])
  })
  test.each(['abc', '2', '2.', '2.01', '-2.1', '2.1.1', '2.99999', '1e1.5'])(
    'a malformed version %s is answered by 400',
    (text) => {
      expect(() => ask({ 'openstack-api-version': `compute ${text}` })).toThrow(
        `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.`,
      )
    },
  )
  test.each(['2.0', '2.80', '3.1', '1.1'])(
    'the version %s is out of range and answered by 406 with the range',
    (text) => {
      expect(() => ask({ 'openstack-api-version': `compute ${text}` })).toThrow(
        expect.objectContaining({
          status: 406,
          message: `Version ${text} is not supported by the API. Minimum is 2.1 and maximum is 2.79.`,
        }),
      )
    },
  )
  test('the answer names the version that was used', () => {
    expect(microversionHeaders(range, [2, 60])).toEqual({
      'OpenStack-API-Version': 'compute 2.60',
      'X-OpenStack-Nova-API-Version': '2.60',
      Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
    })
  })
})

describe('lists', () => {
  test('are limited to the maximum, with and without a limit in the query', () => {
    expect(pageQuery({})).toEqual({ limit: 1000 })
    expect(pageQuery({ limit: '0' })).toEqual({ limit: 1000 })
    expect(pageQuery({ limit: '5000', marker: 'm' })).toEqual({ limit: 1000, marker: 'm' })
    expect(pageQuery({ limit: ['1', '7'] }, 5)).toEqual({ limit: 5 })
    for (const limit of ['-1', '1.5', 'x', '', '9'.repeat(30)])
      expect(() => pageQuery({ limit })).toThrow(expect.objectContaining({ status: 400 }))
  })
  test('have a next link that keeps the query and replaces the marker', () => {
    expect(nextLink('https://c:1', '/compute/v2.1/servers?limit=2&marker=a&name=%C3%A9%26', 'b')).toBe(
      'https://c:1/compute/v2.1/servers?limit=2&marker=b&name=%C3%A9%26',
    )
    expect(nextLink('https://c', '//evil.example/servers', 'b')).toMatch(/^https:\/\/c\//)
  })
})

test('bodies that are malformed, too deep or too large are refused in every façade', () => {
  const parse = (text: string) => parseJsonBody(Buffer.from(text))
  expect(parse('{"a":[1,"é",{"constructor":null}]}')).toEqual({ a: [1, 'é', { constructor: null }] })
  expect(parse('')).toBeUndefined()
  for (const bad of [
    '{',
    '1e',
    '"\\u0000"',
    '{"\\u0000":1}',
    '"\\udc00"',
    '{"__proto__":{}}',
    `${'['.repeat(40)}${']'.repeat(40)}`,
  ])
    expect(() => parse(bad), bad).toThrow(expect.objectContaining({ status: 400 }))
  expect(Object.getPrototypeOf(parse('{}'))).toBe(Object.prototype)
})

test('catalog entries have stable ids and three interfaces, with the project filled in or left out', () => {
  registerService({ type: 'volumev3', name: 'cinderv3', path: '/volume/v3/{project_id}' })
  const config = { publicUrl: 'http://c', region: 'R' }
  const volume = allServices().find((s) => s.type === 'volumev3')
  if (!volume) throw new Error('not registered')
  expect(endpointsOf(config, volume, { id: '$&' }).map((e) => e.url)).toEqual(
    Array(3).fill('http://c/volume/v3/$&'),
  )
  expect(endpointsOf(config, volume, 'template')[0]?.url).toBe('http://c/volume/v3/%(project_id)s')
  expect(endpointsOf(config, volume, null)).toEqual([])
  const entries = catalogOf(config, 'p')
  expect(entries).toEqual(catalogOf(config, 'p'))
  const ids = entries.flatMap((e) => [e.id, ...e.endpoints.map((x) => x.id)])
  expect(new Set(ids).size).toBe(ids.length)
})

describe('time', () => {
  test('a request whose body does not come loses its connection, and one whose body comes is answered', async () => {
    const app = Fastify()
    boundBodyTime(app, 50)
    app.post('/', async (request) => request.body)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const ask = (body: string) =>
      new Promise<string>((resolve, reject) => {
        let got = ''
        const socket = net.connect(port, '127.0.0.1', () =>
          socket.write(
            `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n${body}`,
          ),
        )
        socket.on('data', (chunk) => {
          got += chunk.toString()
        })
        socket.on('close', () => resolve(got)).on('error', reject)
      })
    try {
      expect(await ask('{"a":')).toBe('')
      expect(await ask('{"a": 12}')).toContain('200 OK')
    } finally {
      await app.close()
    }
  })
})
