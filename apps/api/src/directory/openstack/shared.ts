import { CloudError } from '../../kernel/errors.ts'
import { booleanFilter, textFilter } from '../../openstack/keystone.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { textMatch } from '../contract.ts'

/** Parts that several operation tables of the directory use. */

/** Filters of every list of the directory. Unknown filters are ignored, as in Keystone. */
export function directoryFilter(query: Query) {
  const name = textFilter(query, 'name')
  return {
    limit: 1000,
    name: name === undefined ? undefined : textMatch.parse(name),
    domainId: queryText(query, 'domain_id'),
    enabled: booleanFilter(query, 'enabled'),
  }
}

/** For `catch`: null for not_found; throws other errors. */
export function nullIfMissing(error: unknown): null {
  if (error instanceof CloudError && error.code === 'not_found') return null
  throw error
}
