import { IconAffiliate, IconCloudComputing, IconKey, IconServer2, IconStack2 } from '@tabler/icons-react'
import { mib } from '../kit/format.ts'
import { creating, paths } from '../kit/paths.ts'
import type { PortalRoom } from '../kit/room.ts'

export const computeRoom: PortalRoom = {
  pages: [
    {
      group: 'Compute',
      label: 'Instances',
      href: paths.instances,
      help: 'compute#instances',
      icon: IconServer2,
      create: { label: 'Launch instance', href: paths.launch, help: 'compute#launch-an-instance' },
    },
    {
      group: 'Compute',
      label: 'Key pairs',
      href: paths.keyPairs,
      help: 'compute#key-pairs',
      icon: IconKey,
      create: { label: 'Create key pair', href: creating(paths.keyPairs) },
    },
    {
      group: 'Compute',
      label: 'Server groups',
      href: paths.serverGroups,
      help: 'compute#server-groups',
      icon: IconAffiliate,
      create: { label: 'Create server group', href: creating(paths.serverGroups) },
    },
    {
      group: 'Resources',
      order: 7,
      label: 'Flavors',
      href: paths.adminFlavors,
      help: 'compute#flavors',
      icon: IconStack2,
      create: { label: 'Create flavor', href: creating(paths.adminFlavors) },
    },
    {
      group: 'Resources',
      order: 1,
      label: 'All instances',
      href: paths.adminInstances,
      help: 'compute#all-instances',
      icon: IconCloudComputing,
    },
  ],
  kinds: {
    instance: {
      words: 'instance',
      path: paths.instance,
      live: [
        'compute.instances',
        'compute.serverGroups',
        'volumes',
        'networking.ports',
        'networking.networks',
        'hosts',
        'quota',
      ],
      titles: {
        console: 'Open a console',
        keep_volume: 'Keep volume when the instance is deleted',
        delete_volume_too: 'Delete volume with the instance',
      },
      ends: {
        create: 'runs',
        start: 'runs',
        unpause: 'runs again',
        reboot: 'has been rebooted',
        stop: 'is stopped',
        pause: 'is paused',
        attach: 'has the interface',
        detach: 'has let go of the interface',
        attach_volume: 'has the volume',
        detach_volume: 'has let go of the volume',
        keep_volume: 'leaves the volume when it is deleted',
        delete_volume_too: 'takes the volume with it when it is deleted',
      },
    },
    keyPair: { words: 'key pair', live: ['compute.keyPairs', 'quota', 'compute.instances.plan'] },
    flavor: { words: 'flavor', live: ['compute.flavors', 'compute.instances.plan'] },
    serverGroup: {
      words: 'server group',
      path: paths.serverGroup,
      live: ['compute.serverGroups', 'compute.instances', 'quota'],
    },
  },
  quota: {
    instances: { label: 'Instances', option: 'instances' },
    vcpus: { label: 'vCPUs', option: 'cores' },
    memoryMib: { label: 'Memory', format: mib, unit: ' MiB', option: 'ram' },
    serverGroups: { label: 'Server groups', option: 'server-groups' },
    keyPairs: { label: 'Key pairs', option: 'key-pairs' },
  },
}
