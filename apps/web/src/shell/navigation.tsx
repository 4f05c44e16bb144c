import {
  IconActivity,
  IconApi,
  IconBuildingCommunity,
  IconCloudComputing,
  IconCpu,
  IconDisc,
  IconFolders,
  IconGauge,
  IconHelpHexagon,
  IconHistory,
  IconInfoCircle,
  IconKey,
  IconListDetails,
  IconNetwork,
  IconRouter,
  IconScale,
  IconServer2,
  IconShieldLock,
  IconShieldQuestion,
  IconStack2,
  IconUser,
  IconUserCircle,
  IconUserShield,
  IconUsers,
  IconWorldPin,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { creating, paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

export type NavItem = {
  label: string
  href: string
  icon: ReactNode
  /** What can be made there, for the palette. */
  create?: { label: string; href: string }
}
/** `project`: of a project's things; `directory`, `cloud`: for those whose session reaches that far. */
type Audience = 'everyone' | 'project' | 'directory' | 'cloud'
type NavGroup = { label: string; for: Audience; items: (NavItem & { for?: Audience })[] }
const size = 18

/** The map of the portal: the side bar draws it, the palette searches it. */
export const navigation: NavGroup[] = [
  {
    label: 'Start',
    for: 'everyone',
    items: [{ label: 'Overview', href: paths.overview, icon: <IconGauge size={size} /> }],
  },
  {
    label: 'Compute',
    for: 'project',
    items: [
      {
        label: 'Instances',
        href: paths.instances,
        icon: <IconServer2 size={size} />,
        create: { label: 'Launch an instance', href: paths.launch },
      },
      {
        label: 'Key pairs',
        href: paths.keyPairs,
        icon: <IconKey size={size} />,
        create: { label: 'Create a key pair', href: creating(paths.keyPairs) },
      },
    ],
  },
  {
    label: 'Network',
    for: 'project',
    items: [
      {
        label: 'Networks',
        href: paths.networks,
        icon: <IconNetwork size={size} />,
        create: { label: 'Create a network', href: creating(paths.networks) },
      },
      {
        label: 'Routers',
        href: paths.routers,
        icon: <IconRouter size={size} />,
        create: { label: 'Create a router', href: creating(paths.routers) },
      },
      {
        label: 'Security groups',
        href: paths.securityGroups,
        icon: <IconShieldLock size={size} />,
        create: { label: 'Create a security group', href: creating(paths.securityGroups) },
      },
      {
        label: 'Floating IPs',
        href: paths.floatingIps,
        icon: <IconWorldPin size={size} />,
        create: { label: 'Allocate a floating IP', href: creating(paths.floatingIps) },
      },
    ],
  },
  {
    label: 'Images',
    for: 'project',
    items: [
      {
        label: 'Images',
        href: paths.images,
        icon: <IconDisc size={size} />,
        create: { label: 'Upload an image', href: creating(paths.images) },
      },
    ],
  },
  {
    label: 'Access',
    for: 'everyone',
    items: [
      { label: 'Operations', href: paths.operations, icon: <IconActivity size={size} />, for: 'project' },
      { label: 'API access', href: paths.apiAccess, icon: <IconApi size={size} /> },
      { label: 'Profile', href: paths.profile, icon: <IconUserCircle size={size} /> },
    ],
  },
  {
    label: 'Identity',
    for: 'directory',
    items: [
      {
        label: 'Domains',
        href: paths.domains,
        icon: <IconBuildingCommunity size={size} />,
        create: { label: 'Create a domain', href: creating(paths.domains) },
      },
      {
        label: 'Projects',
        href: paths.projects,
        icon: <IconFolders size={size} />,
        create: { label: 'Create a project', href: creating(paths.projects) },
      },
      {
        label: 'Users',
        href: paths.users,
        icon: <IconUser size={size} />,
        create: { label: 'Create a user', href: creating(paths.users) },
      },
      {
        label: 'Groups',
        href: paths.groups,
        icon: <IconUsers size={size} />,
        create: { label: 'Create a group', href: creating(paths.groups) },
      },
      {
        label: 'Roles',
        href: paths.roles,
        icon: <IconUserShield size={size} />,
        create: { label: 'Create a role', href: creating(paths.roles) },
      },
      { label: 'Role assignments', href: paths.assignments, icon: <IconListDetails size={size} /> },
    ],
  },
  {
    label: 'Admin',
    for: 'cloud',
    items: [
      { label: 'Hosts', href: paths.adminHosts, icon: <IconCpu size={size} /> },
      { label: 'Unknown here', href: paths.unknown, icon: <IconHelpHexagon size={size} /> },
      {
        label: 'Flavors',
        href: paths.adminFlavors,
        icon: <IconStack2 size={size} />,
        create: { label: 'Create a flavor', href: creating(paths.adminFlavors) },
      },
      { label: 'All instances', href: paths.adminInstances, icon: <IconCloudComputing size={size} /> },
      { label: 'Quota defaults', href: paths.quotaDefaults, icon: <IconScale size={size} /> },
      { label: 'All operations', href: paths.adminOperations, icon: <IconActivity size={size} /> },
      { label: 'Audit log', href: paths.audit, icon: <IconHistory size={size} /> },
      { label: 'Services', href: paths.catalog, icon: <IconApi size={size} /> },
      { label: 'Policy', href: paths.policy, icon: <IconShieldQuestion size={size} /> },
      { label: 'System', href: paths.system, icon: <IconInfoCircle size={size} /> },
    ],
  },
]

/** The groups and pages that this session may enter. */
export function navigationFor(session: Session): NavGroup[] {
  const { cloud, directory } = reachOf(session)
  const open: Record<Audience, boolean> = {
    everyone: true,
    project: session.project !== null,
    directory,
    cloud,
  }
  return navigation.flatMap((group) => {
    const items = open[group.for] ? group.items.filter((item) => open[item.for ?? 'everyone']) : []
    return items.length > 0 ? [{ ...group, items }] : []
  })
}

/**
 * Why a page is not for this session: it is about a project and there is none, or somebody else's business. Pages of
 * single things answer for themselves, but for those below /admin; a project's own page is open to its members.
 */
export function closedTo(session: Session, pathname: string): 'project' | 'rights' | null {
  const open = new Set(navigationFor(session).flatMap(({ items }) => items.map(({ href }) => href)))
  const belongsTo = (href: string) =>
    pathname === href || (href.startsWith('/admin/') && href !== paths.projects && isHere(href, pathname))
  for (const group of navigation)
    for (const item of group.items)
      if (!open.has(item.href) && (belongsTo(item.href) || item.create?.href === pathname))
        return (item.for ?? group.for) === 'project' ? 'project' : 'rights'
  return null
}

export const isHere = (href: string, pathname: string): boolean =>
  href === paths.overview ? pathname === href : pathname === href || pathname.startsWith(`${href}/`)
