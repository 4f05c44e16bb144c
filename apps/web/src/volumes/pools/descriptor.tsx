import { Anchor } from '@mantine/core'
import type { PoolView } from '@stratolith/api/volumes/contract'
import { IconDatabaseCog } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { NameCell } from '../../kit/NameCell.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { Bar } from '../../ui/Bar.tsx'
import { volumesText } from './values.ts'

const open = 'It takes new volumes.'
const several = 'Several machines'
const placeWords: Readonly<Record<string, string>> = {
  ...{ path: 'Folder', monitors: 'Monitors', pool: 'Pool in Ceph', user: 'User' },
  ...{ portal: 'Portal', target: 'Target' },
}
const drivers: Readonly<Record<string, string>> = { rbd: 'Ceph', iscsi: 'LUNs (iSCSI)' }
const driverWords = ({ driver, isLocal }: PoolView) =>
  drivers[driver] ?? (isLocal ? 'Files on the disk of the machine' : 'Files in a folder')

export const poolDescriptor: ResourceDescriptor<PoolView> & { listPath: string } = {
  kind: 'volumePool',
  noun: 'Volume pool',
  plural: 'Volume pools',
  listPath: paths.adminVolumePools,
  name: (pool) => pool.name,
  path: (pool) => paths.adminVolumePool(pool.name),
  icon: <IconDatabaseCog size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: (pool) => (
        <NameCell
          href={paths.adminVolumePool(pool.name)}
          name={pool.name}
          detail={pool.description || (pool.zone ?? '')}
        />
      ),
    },
    {
      id: 'room',
      header: 'Room promised',
      cell: (pool) => (
        <div style={{ minWidth: 130 }}>
          <Bar used={pool.usedGib} limit={pool.totalGib} label="Room" format={gib} bare />
        </div>
      ),
    },
    { id: 'volumes', header: 'Volumes', cell: volumesText },
    { id: 'promised', header: 'Promised to volumes', hideBelow: 'sm', cell: (pool) => gib(pool.volumesGib) },
    { id: 'host', header: 'Machine', hideBelow: 'sm', cell: (pool) => pool.host?.name ?? several },
    {
      id: 'state',
      header: 'New volumes',
      prose: true,
      hideBelow: 'md',
      cell: (pool) => pool.closed ?? open,
    },
  ],
  facts: (pool) => [
    { label: 'Machine', value: pool.host ? <MachineLink host={pool.host} /> : several },
    { label: 'Zone', value: pool.zone ?? 'All zones' },
    { label: 'Driver', value: driverWords(pool) },
    ...Object.entries(pool.config).map(([key, value]) => ({
      label: placeWords[key] ?? key,
      value: String(value),
      copy: String(value),
    })),
    { label: 'Capacity', value: gib(pool.capacityGib) },
    { label: 'Overcommit', value: pool.overcommit === 1 ? 'None' : `${pool.overcommit} times` },
    ...(pool.description ? [{ label: 'Description', value: pool.description }] : []),
    { label: 'Volumes', value: volumesText(pool) },
    { label: 'New volumes', value: pool.closed ?? open },
  ],
  empty: {
    title: 'No volume pools yet',
    text: 'The disk of a machine is a pool. Add a host, and its pool is here.',
  },
}

function MachineLink({ host }: { host: NonNullable<PoolView['host']> }) {
  return (
    <Anchor component={Link} href={`${paths.adminHosts}?panel=${host.id}`} size="sm" prefetch={false}>
      {host.name}
    </Anchor>
  )
}
