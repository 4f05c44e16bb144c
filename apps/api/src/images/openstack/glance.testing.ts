import crypto from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'
import { qcow2 } from '../testing-qcow2.ts'

/**
 * Calls Glance v2 over HTTP as clients do. The expected shapes are those of a real Glance of Zed, kept here as data.
 */
export let cloud: FacadeWorld
let port: number
export async function openGlance(): Promise<void> {
  cloud = await facadeWorld()
  await cloud.app.listen({ host: '127.0.0.1', port: 0 })
  port = (cloud.app.server.address() as AddressInfo).port
}
export const closeGlance = () => cloud.close()

type Answer = { status: number; headers: http.IncomingHttpHeaders; text: string; json: Record<string, never> }
type Sent = {
  token?: string
  type?: string
  body?: unknown
  bytes?: Buffer
  headers?: object
  chunked?: boolean
}

/** Sends a real HTTP request, so that streams, early answers and closed connections are those of the door. */
export function call(method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const { token = cloud.tokens.ownerMember, body, bytes } = sent
  const type = sent.type ?? (bytes ? 'application/octet-stream' : 'application/json')
  const payload = bytes ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)))
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: `/image${path}`,
        headers: {
          'x-auth-token': token,
          ...(payload ? { 'content-type': type } : {}),
          ...(payload && !sent.chunked ? { 'content-length': payload.length } : {}),
          ...sent.headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('latin1')
          const json = response.headers['content-type']?.startsWith('application/json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: json ? JSON.parse(Buffer.concat(parts).toString()) : {},
          })
        })
      },
    )
    request.on('error', reject)
    if (payload) request.write(payload)
    request.end()
  })
}
const patchType = 'application/openstack-images-v2.1-json-patch'
export const patch = (id: string, body: unknown, type = patchType) =>
  call('PATCH', `/v2/images/${id}`, { body, type })
export async function made(body: object = {}, token?: string): Promise<string> {
  const answer = await call('POST', '/v2/images', {
    body: { name: 'disk', disk_format: 'qcow2', container_format: 'bare', ...body },
    ...(token ? { token } : {}),
  })
  expect(answer.status, answer.text).toBe(201)
  return answer.json.id as unknown as string
}
export const disk = () =>
  Buffer.concat([qcow2({ virtualSize: 128n * 1024n * 1024n }), crypto.randomBytes(700)])
/** Uploads data. The request waits for the import that it starts. */
export const put = (id: string, bytes: Buffer, headers: object = {}) => {
  cloud.owner.settleBeside()
  return call('PUT', `/v2/images/${id}/file`, { bytes, headers })
}
export const show = async (id: string, token?: string) =>
  call('GET', `/v2/images/${id}`, token ? { token } : {})
export const ids = async (query: string, token?: string): Promise<string[]> => {
  const answer = await call('GET', `/v2/images?${query}`, token ? { token } : {})
  expect(answer.status, answer.text).toBe(200)
  return (answer.json.images as unknown as { id: string }[]).map((image) => image.id)
}

/** Keys of an image in a real answer, in the order of that answer. */
export const imageKeys =
  'name disk_format container_format visibility size virtual_size status checksum protected min_ram min_disk owner os_hidden os_hash_algo os_hash_value id created_at updated_at tags self file schema'.split(
    ' ',
  )
export const page = (title: string, text: string) =>
  `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${text}<br /><br />\n\n\n\n </body>\n</html>`
