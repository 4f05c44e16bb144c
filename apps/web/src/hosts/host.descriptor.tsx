import type { HostView } from '@stratolith/api/hosts/contract'
import { IconServerBolt } from '@tabler/icons-react'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { gib } from '../kit/format.ts'
import { Accelerator } from './Accelerator.tsx'
import { CapacityBar } from './Capacity.tsx'
import { HostName } from './HostName.tsx'
import { HostState } from './HostState.tsx'
import { UnconfirmedCount } from './Unconfirmed.tsx'

/** For example "a user each, cgroups (v1) for cpu, memory, pids". */
function keptApartBy({ users, cgroup, controllers }: NonNullable<HostView['isolation']>): string {
  const cgroups = cgroup === 'none' ? [] : [`cgroups (${cgroup}) for ${controllers.join(', ')}`]
  return [...(users ? ['a user each'] : []), ...cgroups].join(', ') || 'nothing'
}

const wayOutText = {
  on: 'yes',
  off: 'none (egress is off there): nothing leads out or in, also not to floating IPs',
}

export const hostDescriptor: ResourceDescriptor<HostView> = {
  kind: 'host',
  noun: 'Host',
  plural: 'Hosts',
  name: (host) => host.name,
  icon: <IconServerBolt size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      width: 120,
      sort: true,
      value: (host) => host.name,
      cell: (host) => (
        <>
          <HostName host={host} />
          <UnconfirmedCount host={host} />
        </>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 110,
      sort: true,
      value: (host) => host.state,
      cell: (host) => <HostState host={host} />,
    },
    {
      id: 'vcpus',
      header: 'vCPU',
      sort: true,
      value: (host) => host.vcpus.used,
      cell: (host) => <CapacityBar host={host} amount="vcpus" bare />,
    },
    {
      id: 'memory',
      header: 'Memory',
      sort: true,
      value: (host) => host.memoryMib.used,
      cell: (host) => <CapacityBar host={host} amount="memoryMib" bare />,
    },
    {
      id: 'disk',
      header: 'Disk',
      hideBelow: 'md',
      sort: true,
      value: (host) => host.diskGib.used,
      cell: (host) => <CapacityBar host={host} amount="diskGib" bare />,
    },
    {
      id: 'instances',
      header: 'Instances',
      sort: true,
      value: (host) => host.instances,
      cell: (host) => host.instances,
    },
    {
      id: 'accelerator',
      header: 'Accelerator',
      width: 180,
      hideBelow: 'md',
      sort: true,
      value: (host) => host.accelerator,
      cell: (host) => <Accelerator host={host} />,
    },
  ],
  facts: (host) => [
    { label: 'ID', value: host.id, copy: host.id },
    { label: 'Zone', value: host.zone },
    { label: 'Instances', value: host.instances },
    { label: 'Hypervisor', value: host.hypervisor },
    { label: 'CPU', value: host.cpuModel },
    { label: 'Accelerator', value: <Accelerator host={host} /> },
    ...(host.acceleratorReason ? [{ label: 'Why not faster', value: host.acceleratorReason }] : []),
    ...(host.egress ? [{ label: 'Way out of its guests', value: wayOutText[host.egress] }] : []),
    ...(host.isolation ? [{ label: 'Guests are kept apart by', value: keptApartBy(host.isolation) }] : []),
    ...(host.isolation?.reason ? [{ label: 'Why not by more', value: host.isolation.reason }] : []),
    ...(host.isolation?.swap?.length
      ? [
          {
            label: 'Memory may get onto',
            value: `${host.isolation.swap.join(', ')} (swap), keys of encrypted volumes, too`,
          },
        ]
      : []),
    ...(host.load ? [{ label: 'Load', value: host.load.map((one) => one.toFixed(2)).join(', ') }] : []),
    ...(host.diskFreeGib === null ? [] : [{ label: 'Free on its disk', value: gib(host.diskFreeGib) }]),
    { label: 'Last seen', value: host.lastSeenAt ? <Ago iso={host.lastSeenAt} /> : 'never' },
    ...(host.disabledReason ? [{ label: 'Disabled because', value: host.disabledReason }] : []),
  ],
  empty: {
    title: 'No hosts',
    text: 'A host is a machine with an agent of this cloud. It registers itself as soon as its agent starts.',
  },
}
