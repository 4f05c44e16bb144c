import { Group } from '@mantine/core'
import type { DiskFormat, ImageView } from '@stratolith/api/images/contract'
import type { ImageVisibility } from '@stratolith/api/images/states'
import { IconDisc, IconLock, IconShare, IconShieldLock, IconUsersGroup, IconWorld } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { bytes, gib, mib } from '../kit/format.ts'
import { NameCell } from '../kit/NameCell.tsx'
import { paths } from '../kit/paths.ts'
import { Hint } from '../ui/Hint.tsx'
import { ImageState } from './ImageState.tsx'

export const formatName = { raw: 'raw', qcow2: 'QCOW2' } as const
const formatText = (format: DiskFormat | null): string =>
  format === null ? 'Not said yet' : formatName[format]
export const visibilityName = {
  private: 'Private',
  shared: 'Shared',
  community: 'Community',
  public: 'Public',
} as const satisfies Record<ImageVisibility, string>

/** Who may launch it, as a sentence. */
export const visibilityMeaning: Record<ImageVisibility, string> = {
  private: 'Your project alone can launch it.',
  shared: 'Projects that you name can launch it.',
  community: 'Every project that knows its id can launch it.',
  public: 'Every project can launch it.',
}

/** Whose it is, from where the reader stands. */
export const ownerText = (image: Pick<ImageView, 'own' | 'visibility'>): string =>
  image.own
    ? 'Yours'
    : { private: 'Another project', shared: 'Shared with you', community: 'Community', public: 'Public' }[
        image.visibility
      ]

export const imageDescriptor: ResourceDescriptor<ImageView> = {
  kind: 'image',
  noun: 'Image',
  plural: 'Images',
  // OpenStack's clients may leave an image without one.
  name: (image) => image.name || image.id,
  path: (image) => paths.image(image.id),
  icon: <IconDisc size={20} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      sort: true,
      value: (image) => image.name,
      cell: (image) => (
        <Group gap={6} wrap="nowrap">
          <NameCell href={paths.image(image.id)} name={image.name || image.id} detail={image.description} />
          {image.protected && (
            <Hint label="Protected from deletion">
              <IconShieldLock size={14} role="img" aria-label="Protected from deletion" />
            </Hint>
          )}
        </Group>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 190,
      sort: true,
      value: (image) => image.state,
      cell: (image) => <ImageState image={image} />,
    },
    {
      id: 'format',
      header: 'Format',
      hideBelow: 'md',
      sort: true,
      value: (image) => image.diskFormat,
      cell: (image) => formatText(image.diskFormat),
    },
    {
      id: 'size',
      header: 'Size',
      sort: true,
      value: (image) => image.sizeBytes,
      cell: (image) => <NoWrap>{image.sizeBytes === null ? '–' : bytes(image.sizeBytes)}</NoWrap>,
    },
    {
      id: 'owner',
      header: 'Owner',
      hideBelow: 'sm',
      value: ownerText,
      cell: (image) => <NoWrap>{ownerText(image)}</NoWrap>,
    },
    {
      id: 'visibility',
      header: 'Visibility',
      hideBelow: 'md',
      sort: true,
      value: (image) => image.visibility,
      cell: (image) => <Visibility image={image} />,
    },
    {
      id: 'created',
      header: 'Created',
      hideBelow: 'sm',
      sort: true,
      value: (image) => image.createdAt,
      cell: (image) => <Ago iso={image.createdAt} />,
    },
  ],
  facts: (image) => [
    { label: 'ID', value: image.id, copy: image.id },
    { label: 'Owner', value: ownerText(image) },
    { label: 'Visibility', value: <Visibility image={image} /> },
    { label: 'Format', value: formatText(image.diskFormat) },
    { label: 'Size of the file', value: image.sizeBytes === null ? '–' : bytes(image.sizeBytes) },
    { label: 'Size as a disk', value: image.virtualBytes === null ? '–' : bytes(image.virtualBytes) },
    { label: 'Minimum disk', value: image.minDiskGib === 0 ? 'None' : gib(image.minDiskGib) },
    { label: 'Minimum memory', value: image.minRamMib === 0 ? 'None' : mib(image.minRamMib) },
    { label: 'Protected', value: image.protected ? 'Yes, it cannot be deleted' : 'No' },
    { label: 'Created', value: <Ago iso={image.createdAt} /> },
    { label: 'Changed', value: <Ago iso={image.updatedAt} /> },
  ],
  empty: {
    title: 'No images yet',
    text: 'An image is the disk that an instance starts from: a raw or QCOW2 file, such as the cloud image of a Linux distribution.',
  },
}

const NoWrap = ({ children }: { children: ReactNode }) => (
  <span style={{ whiteSpace: 'nowrap' }}>{children}</span>
)

const visibilityIcon = {
  private: IconLock,
  shared: IconShare,
  community: IconUsersGroup,
  public: IconWorld,
} as const

function Visibility({ image }: { image: Pick<ImageView, 'visibility'> }) {
  const Icon = visibilityIcon[image.visibility]
  return (
    <Group gap={6} wrap="nowrap" component="span" display="inline-flex">
      <Icon size={14} aria-hidden />
      {visibilityName[image.visibility]}
    </Group>
  )
}
