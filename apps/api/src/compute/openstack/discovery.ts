import type { Config } from '../../kernel/config.ts'
import { type VersionEntry, versionDocument } from '../../openstack/discovery.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

/** The highest minor microversion that the door supports, which is the last of Train. */
export const maxMinor = 79

type Addresses = Pick<Config, 'publicUrl'>
const v20 = ({ publicUrl }: Addresses): VersionEntry => ({
  id: 'v2.0',
  status: 'SUPPORTED',
  version: '',
  minVersion: '',
  updated: '2011-01-21T11:33:21Z',
  selfUrl: `${publicUrl}/compute/v2/`,
})
const v21 = ({ publicUrl }: Addresses): VersionEntry => ({
  id: 'v2.1',
  status: 'CURRENT',
  version: `2.${maxMinor}`,
  minVersion: '2.1',
  updated: '2013-07-23T11:33:21Z',
  selfUrl: `${publicUrl}/compute/v2.1/`,
})

/** One version's own document has a second link and the media type. */
function detail(entry: VersionEntry, media: string): object {
  const { links, ...rest } = versionDocument(entry)
  return {
    version: {
      ...rest,
      links: [
        ...(links as object[]),
        { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
      ],
      'media-types': [
        { base: 'application/json', type: `application/vnd.openstack.compute+json;version=${media}` },
      ],
    },
  }
}

const open = { method: 'GET', status: 200, access: 'public' } as const

/**
 * Answers directly below the prefix of the façade, with and without the slash: clients ask for the parent of every
 * address in the catalog.
 */
export const rootOperations: ApiOperation[] = [
  {
    ...open,
    name: 'versions.list',
    path: '/',
    summary: 'List all major versions',
    handle: ({ deps }) => ({ versions: [v20, v21].map((entry) => versionDocument(entry(deps.config))) }),
  },
]

export const versionOperations: ApiOperation[] = (
  [
    ['v2', v20, '2'],
    ['v2.1', v21, '2.1'],
  ] as const
).flatMap(([path, entry, media]) =>
  ['', '/'].map((slash) => ({
    ...open,
    name: `versions.${path}${slash}`,
    path: `/${path}${slash}`,
    summary: `Show version ${media}`,
    handle: ({ deps }) => detail(entry(deps.config), media),
  })),
)
