import type { Deps } from '../../kernel/context.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

/** Glance lists each minor version of v2 as an entry of its own, all at the same address; Zed has no version 2.14. */
const minors = [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

export function versionsDocument(publicUrl: string): object {
  return {
    versions: minors.map((minor, i) => ({
      id: `v2.${minor}`,
      status: i === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${publicUrl}/image/v2/` }],
    })),
  }
}
const document = ({ deps }: { deps: Deps }) => versionsDocument(deps.config.publicUrl)

export const discoveryOperations: ApiOperation[] = [
  {
    name: 'versions',
    method: 'GET',
    path: '/',
    summary: 'API versions',
    status: 300,
    access: 'public',
    handle: document,
  },
  {
    name: 'versions.list',
    method: 'GET',
    path: '/versions',
    summary: 'API versions, where nothing redirects',
    status: 200,
    access: 'public',
    handle: document,
  },
]
