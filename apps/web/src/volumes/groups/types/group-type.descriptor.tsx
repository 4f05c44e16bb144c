import type { VolumeGroupTypeView } from '@stratolith/api/volumes/groups/contract'
import { IconCategory2 } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../../kit/descriptor.ts'
import { MainAction } from '../../../kit/MainAction.tsx'
import { NameCell } from '../../../kit/NameCell.tsx'
import { creating, paths } from '../../../kit/paths.ts'
import { CopyText } from '../../../ui/CopyText.tsx'

export const groupTypeDescriptor: ResourceDescriptor<VolumeGroupTypeView> & { listPath: string } = {
  kind: 'volumeGroupType',
  noun: 'Volume group type',
  plural: 'Volume group types',
  listPath: paths.adminVolumeGroupTypes,
  name: ({ name }) => name,
  path: ({ id }) => paths.adminVolumeGroupType(id),
  icon: <IconCategory2 size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: ({ id, name, description }) => (
        <NameCell href={paths.adminVolumeGroupType(id)} name={name} detail={description} />
      ),
    },
    { id: 'public', header: 'For', cell: (view) => (view.public ? 'everybody' : 'administrators') },
    {
      id: 'default',
      header: 'Default',
      hideBelow: 'sm',
      cell: ({ isDefault }) => (isDefault ? 'Yes' : 'No'),
    },
    { id: 'id', header: 'ID', hideBelow: 'md', cell: ({ id }) => <CopyText value={id} /> },
  ],
  empty: {
    title: 'No volume group types yet',
    text: 'Each group has a type. Without a default type nobody can create a group in the portal.',
    action: (
      <MainAction label="Create volume group type" to={{ href: creating(paths.adminVolumeGroupTypes) }} />
    ),
  },
}
