import { Group } from '@mantine/core'
import type { DiskFormat, ImageView } from '@stratolith/api/images/contract'
import type { ImageVisibility } from '@stratolith/api/images/states'
import {
  IconDisc,
  IconEyeOff,
  IconLock,
  IconShare,
  IconShieldLock,
  IconUsersGroup,
  IconWorld,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { ProjectName } from '../directory/projects/ProjectName.tsx'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { bytes, gib, mib } from '../kit/format.ts'
import { NameCell } from '../kit/NameCell.tsx'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { Hint } from '../ui/Hint.tsx'
import { formatName } from './format.ts'
import { ImageState } from './ImageState.tsx'

const formatText = (format: DiskFormat | null): string =>
  format === null ? 'Not said yet' : formatName[format]
export const visibilityName = {
  private: 'Private',
  shared: 'Shared',
  community: 'Community',
  public: 'Public',
} as const satisfies Record<ImageVisibility, string>

/** Says in a sentence who may launch the image. */
export const visibilityMeaning: Record<ImageVisibility, string> = {
  private: 'Your project alone can launch it.',
  shared: 'Projects that you name can launch it.',
  community: 'Every project that knows its id can launch it.',
  public: 'Every project can launch it.',
}

/** Says whose the image is, for the reader's project. */
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
  // OpenStack's clients may leave an image without a name.
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
          {image.hidden && (
            <Hint label="Hidden: others do not find it in their lists">
              <IconEyeOff size={14} role="img" aria-label="Hidden" />
            </Hint>
          )}
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
    { label: 'Owner', value: <Owner image={image} /> },
    { label: 'Visibility', value: <Visibility image={image} /> },
    { label: 'Format', value: formatText(image.diskFormat) },
    { label: 'Size of the file', value: image.sizeBytes === null ? '–' : bytes(image.sizeBytes) },
    { label: 'Size as a disk', value: image.virtualBytes === null ? '–' : bytes(image.virtualBytes) },
    { label: 'Minimum disk', value: image.minDiskGib === 0 ? 'None' : gib(image.minDiskGib) },
    { label: 'Minimum memory', value: image.minRamMib === 0 ? 'None' : mib(image.minRamMib) },
    { label: 'Protected', value: image.protected ? 'Yes, it cannot be deleted' : 'No' },
    { label: 'Hidden', value: image.hidden ? 'Yes, others do not find it in their lists' : 'No' },
    { label: 'Created', value: <Ago iso={image.createdAt} /> },
    { label: 'Changed', value: <Ago iso={image.updatedAt} /> },
  ],
  empty: {
    title: 'No images yet',
    text: 'An image is the disk that an instance starts from: a raw or QCOW2 file, such as the cloud image of a Linux distribution.',
  },
}

/** The administrators' list of all images: it shows the project of each image instead of its relation to the reader. */
export const allImagesDescriptor: ResourceDescriptor<ImageView> = {
  ...imageDescriptor,
  columns: imageDescriptor.columns.map((column) =>
    column.id === 'owner'
      ? { id: 'project', header: 'Project', cell: (image) => <ProjectName id={image.projectId} /> }
      : column,
  ),
  empty: { title: 'No images', text: 'No project of this cloud has an image yet.' },
}

/** Administrators see the project of an image of another project. */
function Owner({ image }: { image: ImageView }) {
  const { isAdmin } = useSession()
  return isAdmin && !image.own ? <ProjectName id={image.projectId} /> : ownerText(image)
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
