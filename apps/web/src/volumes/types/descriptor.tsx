import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { IconCategory } from '@tabler/icons-react'
import type { ResourceDescriptor } from '../../kit/descriptor.ts'
import { MainAction } from '../../kit/MainAction.tsx'
import { NameCell } from '../../kit/NameCell.tsx'
import { creating, paths } from '../../kit/paths.ts'
import { inOneLine, kindWords, poolWords, typeLimitWords } from './limit-words.ts'

const speedOf = (view: VolumeTypeView) => inOneLine(typeLimitWords(view.limits))

export const typeDescriptor: ResourceDescriptor<VolumeTypeView> & { listPath: string } = {
  kind: 'volumeType',
  noun: 'Volume type',
  plural: 'Volume types',
  listPath: paths.adminVolumeTypes,
  name: (view) => view.name,
  path: (view) => paths.adminVolumeType(view.id),
  icon: <IconCategory size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (view) => view.name,
      cell: (view) => (
        <NameCell href={paths.adminVolumeType(view.id)} name={view.name} detail={view.description} />
      ),
    },
    { id: 'speed', header: 'Speed', prose: true, value: speedOf, cell: speedOf },
    { id: 'kind', header: 'Volumes are', prose: true, hideBelow: 'sm', value: kindWords, cell: kindWords },
    { id: 'pool', header: 'Pool', hideBelow: 'md', value: poolWords, cell: poolWords },
    {
      id: 'public',
      header: 'For',
      hideBelow: 'sm',
      sort: true,
      value: (view) => view.public,
      cell: (view) => (view.public ? 'everybody' : 'some projects'),
    },
    {
      id: 'default',
      header: 'Default',
      hideBelow: 'sm',
      value: (view) => view.isDefault,
      cell: (view) => (view.isDefault ? 'Yes' : 'No'),
    },
  ],
  empty: {
    title: 'No volume types yet',
    text: 'A type says how fast volumes are and where they lie. Without one nobody can create a volume.',
    action: <MainAction label="Create volume type" to={{ href: creating(paths.adminVolumeTypes) }} />,
  },
}
