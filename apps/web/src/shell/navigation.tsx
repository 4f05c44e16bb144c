import {
  IconActivity,
  IconCloudComputing,
  IconCpu,
  IconDisc,
  IconGauge,
  IconKey,
  IconNetwork,
  IconRouter,
  IconServer2,
  IconShieldLock,
  IconStack2,
  IconWorldPin,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { creating, paths } from '../kit/paths.ts'

export type NavItem = {
  label: string
  href: string
  icon: ReactNode
  /** What can be made there, for the palette. */
  create?: { label: string; href: string }
}
type NavGroup = { label: string; adminOnly?: boolean; items: NavItem[] }
const size = 18

/** The map of the portal: the side bar draws it, the palette searches it. */
export const navigation: NavGroup[] = [
  {
    label: 'Compute',
    items: [
      { label: 'Overview', href: paths.overview, icon: <IconGauge size={size} /> },
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
    label: 'Activity',
    items: [{ label: 'Operations', href: paths.operations, icon: <IconActivity size={size} /> }],
  },
  {
    label: 'Admin',
    adminOnly: true,
    items: [
      { label: 'Hosts', href: paths.adminHosts, icon: <IconCpu size={size} /> },
      {
        label: 'Flavors',
        href: paths.adminFlavors,
        icon: <IconStack2 size={size} />,
        create: { label: 'Create a flavor', href: creating(paths.adminFlavors) },
      },
      { label: 'All instances', href: paths.adminInstances, icon: <IconCloudComputing size={size} /> },
    ],
  },
]

/** The groups that this person may enter. */
export const navigationFor = (isAdmin: boolean): NavGroup[] =>
  navigation.filter((group) => isAdmin || !group.adminOnly)

export const isHere = (href: string, pathname: string): boolean =>
  href === paths.overview ? pathname === href : pathname === href || pathname.startsWith(`${href}/`)
