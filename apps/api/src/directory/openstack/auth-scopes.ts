import { collection, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { hasSystemRole } from '../roles/effective.ts'
import { ownDomainDetails, ownProjectDetails } from '../roles/places.ts'
import { domainView, projectView } from './views.ts'

/** The places that the caller may get a token for; every token may ask, an unscoped token, too. */
export const authScopeOperations: ApiOperation[] = [
  {
    name: 'auth.projects',
    method: 'GET',
    path: '/auth/projects',
    summary: 'Projects that the caller may take a token for',
    status: 200,
    access: 'anyone',
    handle: async (call) =>
      collection(call, 'auth/projects', 'projects', await ownProjectDetails(call.ctx), projectView),
  },
  {
    name: 'auth.domains',
    method: 'GET',
    path: '/auth/domains',
    summary: 'Domains that the caller may take a token for',
    status: 200,
    access: 'anyone',
    handle: async (call) =>
      collection(call, 'auth/domains', 'domains', await ownDomainDetails(call.ctx), domainView),
  },
  {
    name: 'auth.system',
    method: 'GET',
    path: '/auth/system',
    summary: 'Whether the caller may take a token for the system',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({
      system: (await hasSystemRole(call.ctx, call.ctx.actor.userId)) ? [{ all: true }] : [],
      links: { self: `${keystoneBase(call)}/auth/system` },
    }),
  },
]
