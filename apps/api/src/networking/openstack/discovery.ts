import type { Deps } from '../../kernel/context.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

const base = (deps: Deps) => `${deps.config.publicUrl}/network/v2.0`
const versions = (deps: Deps) => ({
  versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${base(deps)}/` }] }],
})
/** The resources that GET /v2.0/ names: singular, plural and path. */
const named = [
  ['network', 'networks'],
  ['subnet', 'subnets'],
  ['port', 'ports'],
] as const
const resources = (deps: Deps) => ({
  resources: named.map(([name, collection]) => ({
    name,
    collection,
    links: [{ rel: 'self', href: `${base(deps)}/${collection}` }],
  })),
})

const discovery = (path: string, name: string, answer: (deps: Deps) => object): ApiOperation => ({
  name,
  method: 'GET',
  path,
  summary: 'Version discovery',
  status: 200,
  access: 'public',
  handle: ({ deps }) => answer(deps),
})

export const networkDiscovery: ApiOperation[] = [
  discovery('/', 'versions', versions),
  discovery('/v2.0', 'version', resources),
  discovery('/v2.0/', 'version/', resources),
]

/**
 * Neutron takes every path also with ".json" or a slash at its end. A tag is a word of the caller's choice and may end
 * so itself, and "/" and "/v2.0/" are operations of their own.
 */
export function networkPath(path: string): string {
  if (/^\/(v2\.0\/?)?$/.test(path) || /\/tags\/[^/]+\/?$/.test(path)) return path
  return path.replace(/\/$/, '').replace(/\.json$/, '')
}
