import type { Config } from '../../kernel/config.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

/** The highest minor microversion that the door supports. */
export const maxMinor = 70

/** Both documents of Cinder list its one version. */
const versions = ({ publicUrl }: Pick<Config, 'publicUrl'>) => ({
  versions: [
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: `3.${maxMinor}`,
      min_version: '3.0',
      updated: '2016-02-08T12:20:21Z',
      links: [
        { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: `${publicUrl}/volume/v3/` },
      ],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
    },
  ],
})

const open = { method: 'GET', access: 'public' } as const

/**
 * Answers directly below the prefix of the façade. Clients ask here with the highest microversion that they know, and
 * then lower their own to the one that they find.
 */
export const rootOperations: ApiOperation[] = [
  {
    ...open,
    name: 'versions.list',
    path: '/',
    summary: 'List all major versions',
    status: 300,
    unversioned: true,
    handle: ({ deps }) => versions(deps.config),
  },
]

export const versionOperations: ApiOperation[] = ['', '/'].map((slash) => ({
  ...open,
  name: `versions.v3${slash}`,
  path: `/v3${slash}`,
  summary: 'Show version 3',
  status: 200,
  deviation: 'The project may be left out of every address, as in Cinder since 3.67.',
  handle: ({ deps }) => versions(deps.config),
}))
