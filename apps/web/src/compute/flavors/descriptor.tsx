import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconStack2 } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { gib, mib } from '../../kit/format.ts'
import { MainAction } from '../../kit/MainAction.tsx'
import { NameCell } from '../../kit/NameCell.tsx'
import { creating, paths } from '../../kit/paths.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { CopyText } from '../../ui/CopyText.tsx'
import { localDisksText } from '../size-words.ts'

export const flavorDescriptor: ResourceDescriptor<FlavorView> & { listPath: string } = {
  kind: 'flavor',
  noun: 'Flavor',
  plural: 'Flavors',
  listPath: paths.adminFlavors,
  name: (view) => view.name,
  path: (view) => paths.adminFlavor(view.id),
  icon: <IconStack2 size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => (
        <NameCell href={paths.adminFlavor(view.id)} name={view.name} detail={view.description} />
      ),
    },
    { id: 'vcpus', header: 'vCPU', sort: true, value: (view) => view.vcpus, cell: (view) => view.vcpus },
    {
      id: 'memory',
      header: 'Memory',
      sort: true,
      value: (view) => view.memoryMib,
      cell: (view) => mib(view.memoryMib),
    },
    {
      id: 'disk',
      header: 'Disk',
      sort: true,
      value: (view) => view.diskGib,
      cell: (view) => <TwoLines second={localDisksText(view)}>{gib(view.diskGib)}</TwoLines>,
    },
    {
      id: 'mode',
      header: 'Root disk',
      hideBelow: 'md',
      value: (view) => view.diskMode,
      cell: (view) => (view.diskMode === 'copy' ? 'full copy' : 'on top of the image'),
    },
    {
      id: 'public',
      header: 'For',
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.public,
      cell: (view) => (view.public ? 'everybody' : 'some projects'),
    },
    { id: 'id', header: 'ID', hideBelow: 'md', cell: (view) => <CopyText value={view.id} /> },
  ],
  empty: {
    title: 'No flavors yet',
    text: 'A flavor is a size that instances come in. Without one nobody can launch.',
    action: <MainAction label="Create flavor" to={{ href: creating(paths.adminFlavors) }} />,
  },
}
