import type { Call } from '../../openstack/operation.ts'
import { nextLink } from '../../openstack/pages.ts'

/** The body of a page of a list; `shown`: the views of the things, with their ids; `more`: whether another page follows. */
export function pageBody(
  call: Call,
  plural: 'volumes' | 'snapshots',
  shown: readonly object[],
  next: { more: boolean; lastId: string | undefined },
): object {
  if (!next.more || next.lastId === undefined) return { [plural]: shown }
  const link = new URL(nextLink(call.deps.config.publicUrl, call.request.url, next.lastId))
  // The offset counts from the beginning of the list, and the next page begins at the marker.
  link.searchParams.delete('offset')
  return { [plural]: shown, [`${plural}_links`]: [{ rel: 'next', href: link.href }] }
}
