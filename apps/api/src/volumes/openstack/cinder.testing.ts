import { type FacadeWorld, facadeWorld } from '../../facade.testing.ts'

export let cloud: FacadeWorld
export async function openCinder(): Promise<void> {
  cloud = await facadeWorld()
}
export const closeCinder = () => cloud.close()

type Ask = { token?: string; version?: string; body?: unknown }
/** Sends a request below the owner's project. */
export async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, more: Ask = {}) {
  return cloud.app.inject({
    method,
    url: `/volume/v3/${cloud.owner.projectId}${path}`,
    headers: {
      'x-auth-token': more.token ?? cloud.tokens.ownerMember,
      ...(more.version === undefined ? {} : { 'openstack-api-version': more.version }),
      ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(more.body === undefined ? {} : { payload: JSON.stringify(more.body) }),
  })
}
