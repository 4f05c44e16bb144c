import type { Deps } from '../../kernel/context.ts'
import { versionDocument } from '../../openstack/discovery.ts'
import { keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

/** GET /identity (300) and /identity/v3 (200), both with and without the slash. */
export const identityDiscovery: ApiOperation[] = [
  {
    name: 'versions',
    method: 'GET',
    path: '/',
    summary: 'Versions of the API',
    status: 300,
    access: 'public',
    handle: ({ deps, reply }) => {
      reply.header('Location', `${keystoneBase({ deps })}/`)
      return { versions: { values: [versionOf(deps)] } }
    },
  },
  ...['/v3', '/v3/'].map(
    (path): ApiOperation => ({
      name: `version${path.slice(3)}`,
      method: 'GET',
      path,
      summary: 'The version itself',
      status: 200,
      access: 'public',
      handle: ({ deps }) => ({ version: versionOf(deps) }),
    }),
  ),
]
const versionOf = (deps: Deps) =>
  versionDocument({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    selfUrl: `${keystoneBase({ deps })}/`,
    mediaType: 'application/vnd.openstack.identity-v3+json',
  })
