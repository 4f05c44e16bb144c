import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { nextLink, queryText } from '../../openstack/pages.ts'
import { queryBoolean } from '../../openstack/schema.ts'

/**
 * The body of a page of a list. `shown`: the views of the things; `lastId`: the id of the last of them; `more`: whether
 * another page follows; `count`: how many things there are in all, where the request asks for that.
 */
export function pageBody(
  call: Call,
  plural: 'volumes' | 'snapshots' | 'backups' | 'groups' | 'group_snapshots',
  shown: readonly object[],
  { more, lastId, count }: { more: boolean; lastId?: string; count: number | null },
): object {
  const body = { [plural]: shown, ...(count === null ? {} : { count }) }
  if (!more || lastId === undefined) return body
  const link = new URL(nextLink(call.deps.config.publicUrl, call.request.url, lastId))
  // The offset counts from the beginning of the list, and the next page begins at the marker.
  link.searchParams.delete('offset')
  return { ...body, [`${plural}_links`]: [{ rel: 'next', href: link.href }] }
}

/** Whether the list says how many things there are in all, since 3.45. */
export function countWanted({ query, minor }: Call): boolean {
  if (minor < 45 || queryText(query, 'with_count') === undefined) return false
  const wish = queryBoolean(query, 'with_count')
  if (wish === undefined) throw new HttpError(400, 'Invalid value for with_count: it is true or false.')
  return wish
}
