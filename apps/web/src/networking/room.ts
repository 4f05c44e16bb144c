import { IconNetwork, IconPlug, IconRouter, IconShieldLock, IconWorldPin } from '@tabler/icons-react'
import { creating, paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

/** Hosts are told of changes of these kinds, so pages that show what hosts have not confirmed must be read again. */
const hostsHear = ['hosts.list', 'compute.instances.waiting'] as const

export const networkingRoom: PortalRoom = {
  pages: [
    {
      group: 'Network',
      label: 'Networks',
      href: paths.networks,
      help: 'networking#networks',
      icon: IconNetwork,
      create: { label: 'Create network', href: creating(paths.networks) },
    },
    {
      group: 'Network',
      label: 'Ports',
      href: paths.ports,
      help: 'networking#ports',
      icon: IconPlug,
      create: { label: 'Create port', href: creating(paths.ports) },
    },
    {
      group: 'Network',
      label: 'Routers',
      href: paths.routers,
      help: 'networking#routers',
      icon: IconRouter,
      create: { label: 'Create router', href: creating(paths.routers) },
    },
    {
      group: 'Network',
      label: 'Security groups',
      href: paths.securityGroups,
      help: 'networking#security-groups',
      icon: IconShieldLock,
      create: { label: 'Create security group', href: creating(paths.securityGroups) },
    },
    {
      group: 'Network',
      label: 'Floating IPs',
      href: paths.floatingIps,
      help: 'networking#floating-ips',
      icon: IconWorldPin,
      create: { label: 'Allocate floating IP', href: creating(paths.floatingIps) },
    },
    {
      group: 'Resources',
      order: 4,
      label: 'All networks',
      href: paths.adminNetworks,
      help: 'networking#all-networks',
      icon: IconNetwork,
    },
    {
      group: 'Resources',
      order: 4,
      label: 'All ports',
      href: paths.adminPorts,
      help: 'networking#all-networks',
      icon: IconPlug,
    },
    {
      group: 'Resources',
      order: 4,
      label: 'All routers',
      href: paths.adminRouters,
      help: 'networking#all-networks',
      icon: IconRouter,
    },
    {
      group: 'Resources',
      order: 4,
      label: 'All security groups',
      href: paths.adminSecurityGroups,
      help: 'networking#all-networks',
      icon: IconShieldLock,
    },
    {
      group: 'Resources',
      order: 4,
      label: 'All floating IPs',
      href: paths.adminFloatingIps,
      help: 'networking#all-networks',
      icon: IconWorldPin,
    },
  ],
  kinds: {
    network: {
      words: 'network',
      path: paths.network,
      live: [
        'networking.networks',
        'networking.routers',
        'networking.ports',
        'networking.rbacPolicies',
        'quota',
        'compute.instances.plan',
        ...hostsHear,
      ],
    },
    subnet: {
      words: 'subnet',
      live: ['networking.networks', 'networking.routers', 'quota', 'compute.instances.plan', ...hostsHear],
    },
    port: {
      words: 'port',
      path: paths.port,
      live: ['networking', 'compute.instances', 'quota', ...hostsHear],
    },
    router: {
      words: 'router',
      path: paths.router,
      live: [
        'networking.routers',
        'networking.networks',
        'networking.floatingIps',
        'quota',
        'compute.instances.plan',
        ...hostsHear,
      ],
    },
    floatingIp: {
      words: 'floating IP',
      live: ['networking.floatingIps', 'networking.ports', 'compute.instances', 'quota', ...hostsHear],
    },
    securityGroup: {
      words: 'security group',
      path: paths.securityGroup,
      live: ['networking.securityGroups', 'networking.ports', 'compute.instances', 'quota', ...hostsHear],
    },
  },
  quota: {
    networks: { label: 'Networks', option: 'networks' },
    subnets: { label: 'Subnets', option: 'subnets' },
    ports: { label: 'Ports', option: 'ports' },
    routers: { label: 'Routers', option: 'routers' },
    floatingIps: { label: 'Floating IPs', option: 'floating-ips' },
    securityGroups: { label: 'Security groups', option: 'secgroups' },
    securityGroupRules: { label: 'Security group rules', option: 'secgroup-rules' },
  },
}
