import { CloudError } from '../../kernel/errors.ts'
import { booleanFilter, textFilter } from '../../openstack/keystone.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { textMatch } from '../contract.ts'

/** What the tables of the directory have in common. */

/** Filters that every list of the directory takes; what we do not know is ignored, as in Keystone. */
export function directoryFilter(query: Query) {
  const name = textFilter(query, 'name')
  return {
    limit: 1000,
    sortDir: 'asc' as const,
    name: name === undefined ? undefined : textMatch.parse(name),
    domainId: queryText(query, 'domain_id'),
    enabled: booleanFilter(query, 'enabled'),
  }
}

/** Throws what says something else. */
export function nullIfMissing(error: unknown): null {
  if (error instanceof CloudError && error.code === 'not_found') return null
  throw error
}
