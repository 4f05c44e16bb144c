import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

const page = ['limit', 'marker']
const sort = ['sort_key', 'sort_dir']
const usage = ['start', 'end', 'detailed', ...page]
const quota = ['user_id']

/**
 * Query parameters that Nova accepts, by operation, and the minor microversion since which any other parameter is
 * refused; before that version an unknown parameter is ignored. Source: the schemas of Nova's API.
 */
const known: Record<string, { since: number; names: readonly string[] }> = {
  'flavors.list': { since: 75, names: ['is_public', 'minRam', 'minDisk', ...sort, ...page] },
  'flavors.detail': { since: 75, names: ['is_public', 'minRam', 'minDisk', ...sort, ...page] },
  'keypairs.list': { since: 75, names: ['user_id', ...page] },
  'keypairs.get': { since: 75, names: ['user_id'] },
  'keypairs.delete': { since: 75, names: ['user_id'] },
  'servers.actions.list': { since: 58, names: ['changes-since', 'changes-before', ...page] },
  'server_groups.list': { since: 75, names: ['all_projects', 'limit', 'offset'] },
  'limits.get': { since: 75, names: ['tenant_id', 'reserved'] },
  'quotas.get': { since: 75, names: quota },
  'quotas.detail': { since: 75, names: quota },
  'quotas.update': { since: 75, names: quota },
  'quotas.delete': { since: 75, names: quota },
  'hypervisors.list': { since: 53, names: ['hypervisor_hostname_pattern', 'with_servers', ...page] },
  'hypervisors.detail': { since: 53, names: ['hypervisor_hostname_pattern', 'with_servers', ...page] },
  'hypervisors.get': { since: 53, names: ['with_servers'] },
  'services.list': { since: 75, names: ['host', 'binary'] },
  'usage.list': { since: 75, names: usage },
  'usage.get': { since: 75, names: usage },
}

/** Wraps the operations, so that unknown parameters are refused where Nova's schema has become strict. */
export const strictQueries = (operations: readonly ApiOperation[]): ApiOperation[] =>
  operations.map((operation) => {
    const schema = known[operation.name]
    if (!schema) return operation
    return {
      ...operation,
      handle: (call: Call) => {
        if (call.minor >= schema.since) refuseUnknown(call, new Set(schema.names))
        return operation.handle(call)
      },
    }
  })

/** Throws Nova's 400 for the first parameter that is not in `names`. */
export function refuseUnknown({ query }: Call, names: ReadonlySet<string>): void {
  for (const name of Object.keys(query))
    if (!names.has(name))
      throw new HttpError(
        400,
        `Additional properties are not allowed ('${name.slice(0, 50)}' was unexpected)`,
      )
}
