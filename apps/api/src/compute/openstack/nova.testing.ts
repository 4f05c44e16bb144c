import type { LightMyRequestResponse } from 'fastify'
import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'

export let cloud: FacadeWorld
export async function openNova(): Promise<void> {
  cloud = await facadeWorld()
}
export const closeNova = () => cloud.close()

type Ask = { token?: string; minor?: number; body?: unknown; type?: string; raw?: string }
export async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, more: Ask = {}) {
  const payload = more.raw ?? (more.body === undefined ? undefined : JSON.stringify(more.body))
  return cloud.app.inject({
    method,
    url: `/compute/v2.1${path}`,
    headers: {
      'x-auth-token': more.token ?? cloud.tokens.ownerMember,
      'openstack-api-version': `compute 2.${more.minor ?? 1}`,
      ...(payload === undefined ? {} : { 'content-type': more.type ?? 'application/json' }),
    },
    ...(payload === undefined ? {} : { payload }),
  })
}
export const names = (answer: LightMyRequestResponse) =>
  (answer.json() as { servers: { name: string }[] }).servers.map((server) => server.name)
export const server = (patch: object = {}) => ({
  server: { name: 'made', imageRef: cloud.owner.imageId, flavorRef: '1', networks: [], ...patch },
})
export const create = (patch: object, more: Ask = {}) =>
  ask('POST', '/servers', { minor: 79, body: server({ networks: 'none', ...patch }), ...more })
export const idOf = (answer: LightMyRequestResponse) =>
  (answer.json() as { server: { id: string } }).server.id
export const hostOf = async (id: string) =>
  (await cloud.world.deps.root.instance.findUniqueOrThrow({ where: { id } })).hostId
