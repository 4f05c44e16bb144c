/**
 * Every address of the portal, without the place with which the browser's address begins (`placed`). No other file
 * spells a path.
 */
export const paths = {
  overview: '/',
  instances: '/instances',
  launch: '/instances/new',
  instance: (id: string, tab?: InstanceTab) => `/instances/${id}${tab ? `?tab=${tab}` : ''}`,
  /** A console that has a window of the browser for itself. */
  consoleWindow: (id: string, kind: 'vnc' | 'serial') => `/instances/${id}/console?kind=${kind}`,
  /** The target of console links that OpenStack's client shows; everybody who has such a link may open it. */
  linkedConsole: '/console',
  keyPairs: '/key-pairs',
  keyPair: (name: string) => `/key-pairs/${encodeURIComponent(name)}`,
  serverGroups: '/server-groups',
  serverGroup: (id: string) => `/server-groups/${id}`,
  images: '/images',
  image: (id: string) => `/images/${id}`,
  volumes: '/volumes',
  volume: (id: string) => `/volumes/${id}`,
  volumeGroups: '/volume-groups',
  volumeGroup: (id: string) => `/volume-groups/${id}`,
  volumeSnapshots: '/volume-snapshots',
  volumeSnapshot: (id: string) => `/volume-snapshots/${id}`,
  volumeBackups: '/volume-backups',
  volumeBackup: (id: string) => `/volume-backups/${id}`,
  networks: '/networks',
  network: (id: string) => `/networks/${id}`,
  ports: '/ports',
  port: (id: string) => `/ports/${id}`,
  routers: '/routers',
  router: (id: string) => `/routers/${id}`,
  securityGroups: '/security-groups',
  securityGroup: (id: string) => `/security-groups/${id}`,
  floatingIps: '/floating-ips',
  operations: '/operations',
  profile: '/profile',
  apiAccess: '/api-access',
  domains: '/admin/domains',
  domain: (id: string) => `/admin/domains/${id}`,
  projects: '/admin/projects',
  project: (id: string, tab?: string) => `/admin/projects/${id}${tab ? `?tab=${tab}` : ''}`,
  users: '/admin/users',
  user: (id: string) => `/admin/users/${id}`,
  groups: '/admin/groups',
  group: (id: string) => `/admin/groups/${id}`,
  roles: '/admin/roles',
  role: (id: string) => `/admin/roles/${id}`,
  assignments: '/admin/assignments',
  adminHosts: '/admin/hosts',
  unknown: '/admin/unknown',
  adminFlavors: '/admin/flavors',
  adminFlavor: (id: string) => `/admin/flavors/${encodeURIComponent(id)}`,
  adminInstances: '/admin/instances',
  adminImages: '/admin/images',
  adminVolumes: '/admin/volumes',
  adminVolumeSnapshots: '/admin/volume-snapshots',
  adminVolumeGroups: '/admin/volume-groups',
  adminVolumeGroupTypes: '/admin/volume-group-types',
  adminVolumeGroupType: (id: string) => `/admin/volume-group-types/${id}`,
  adminVolumeBackups: '/admin/volume-backups',
  adminVolumeTypes: '/admin/volume-types',
  adminVolumeType: (id: string) => `/admin/volume-types/${id}`,
  adminVolumePools: '/admin/volume-pools',
  adminVolumePool: (name: string) => `/admin/volume-pools/${encodeURIComponent(name)}`,
  adminNetworks: '/admin/networks',
  adminPorts: '/admin/ports',
  adminRouters: '/admin/routers',
  adminSecurityGroups: '/admin/security-groups',
  adminFloatingIps: '/admin/floating-ips',
  quotaDefaults: '/admin/quotas',
  adminOperations: '/admin/operations',
  audit: '/admin/audit',
  catalog: '/admin/catalog',
  policy: '/admin/policy',
  system: '/admin/system',
  /** The pages of docs/guide; README has the contents. */
  help: (page = 'README', section?: string) =>
    `/help${page === 'README' ? '' : `/${page}`}${section ? `#${section}` : ''}`,
  signIn: '/sign-in',
} as const

export type InstanceTab =
  | 'overview'
  | 'vnc'
  | 'serial'
  | 'log'
  | 'interfaces'
  | 'volumes'
  | 'security'
  | 'operations'

/** Returns the address of a list page with its create panel open. */
export const creating = (listPath: string): string => `${listPath}?create=1`

/** Returns the address of a list page that shows what has this text (kit/list-query.ts). */
export const searching = (listPath: string, text: string): string =>
  `${listPath}?search=${encodeURIComponent(text)}`

const ownOrigin = 'http://portal.invalid'

/**
 * Returns the address that a browser makes of this path; null when it is one of another site, or could become one:
 * `/.//site` loses its dot, and then names a site.
 */
function addressHere(path: string): URL | null {
  if (!path.startsWith('/') || !URL.canParse(path, ownOrigin)) return null
  const url = new URL(path, ownOrigin)
  return url.origin === ownOrigin && !/^\/[/\\]/.test(url.pathname) ? url : null
}

/**
 * Returns a path of the same origin from a query parameter, or the overview: another site would be an open redirect.
 */
export function safeReturnPath(from: string | null | undefined): string {
  const url = addressHere(from ?? '')
  if (url === null || url.pathname.startsWith(paths.signIn)) return paths.overview
  return url.pathname + url.search + url.hash
}

/** The place of pages that belong to no project: pages of the cloud, of a domain, and of people without a project. */
export const cloudPlace = 'cloud'

/** Returns the place with which an address begins: the project's ID or `cloud`. Null: the address has no place. */
export function placeIn(pathname: string): string | null {
  const first = /^\/([^/?#]*)/.exec(pathname)?.[1] ?? ''
  return first === cloudPlace || isProjectId(first) ? first : null
}

const isProjectId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text) || isUuid(text)

/** Returns an address without its place, as `paths` has it. */
export function ownPath(pathname: string): string {
  const place = placeIn(pathname)
  if (place === null) return pathname
  const rest = pathname.slice(place.length + 1)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * `at`: the place of the page. `beyond`: the person may open the pages of the cloud. `home`: the project to which a
 * person returns from those pages.
 */
export type Standing = { at: string; beyond: boolean; home: string | null }

/**
 * Returns the address of a page as it is opened from a page of this place. Pages of the cloud open in the cloud, except
 * the page of the project in which the person is: its members see that page there. From the cloud, the list of a
 * project's things opens in the person's home project, while the page of one thing opens in the cloud, whatever its
 * project.
 */
export function placed({ at, beyond, home }: Standing, path: string): string {
  if (!path.startsWith('/')) return path
  const url = addressHere(path)
  if (url === null) return `/${at}`
  const { pathname } = url
  if (placeIn(pathname) !== null || unplaced.has(pathname)) return path
  const toCloud = pathname.startsWith('/admin/') && beyond && pathname !== paths.project(at)
  const toHome = at === cloudPlace && isOfOneProject(pathname)
  const place = toCloud ? cloudPlace : toHome ? (home ?? at) : at
  return `/${place}${path === paths.overview ? '' : path.replace(/^\/(?=[?#])/, '')}`
}

const isOfOneProject = (pathname: string): boolean =>
  pathname === paths.launch ||
  (/^\/[^/]+$/.test(pathname) && pathname !== paths.profile && pathname !== paths.help())

/** The pages outside of the portal's shell. */
export const unplaced: ReadonlySet<string> = new Set([paths.signIn, paths.linkedConsole])

export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** Returns the way from the page of a thing that is gone to the list that had it. */
export function wayBack(pathname: string): { href: string; label: string } {
  const above = pathname.split('/').slice(0, -1).join('/')
  return above === '' || above === '/admin'
    ? { href: paths.overview, label: 'Go to the overview' }
    : { href: above, label: 'Back to the list' }
}
