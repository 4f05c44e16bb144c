import { descriptionInput } from '../../kernel/contract.ts'
import { CloudError } from '../../kernel/errors.ts'
import { booleanFilter, textFilter } from '../../openstack/keystone.ts'
import { type Query, queryText } from '../../openstack/pages.ts'
import { textMatch } from '../contract.ts'

/** What the tables of the directory have in common. */

export const idOf = (params: Record<string, string>, name = 'id'): string => params[name] ?? ''

/** Null is how clients leave a text away. */
export const description = descriptionInput.nullish().transform((text) => text ?? '')
/** Of a change: undefined leaves it as it is. */
export const newDescription = descriptionInput
  .nullish()
  .transform((text) => (text === null ? '' : text))
  .optional()

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
