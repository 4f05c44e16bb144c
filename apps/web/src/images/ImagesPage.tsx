'use client'
import { IconUpload } from '@tabler/icons-react'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { MainAction } from '../kit/MainAction.tsx'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useMay } from '../kit/rights.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { OfferedImages } from './ImageOffer.tsx'
import { allImagesDescriptor, imageDescriptor } from './image.descriptor.tsx'
import { useImageActions } from './image-actions.tsx'
import { imageList } from './list.ts'

const ImageCreateForm = lazyPanel(() =>
  import('./ImageCreateForm.tsx').then((module) => module.ImageCreateForm),
)

const filters = [
  {
    id: 'visibility',
    label: 'Visibility',
    options: [
      { value: 'public', label: 'Public' },
      { value: 'private', label: 'Private' },
      { value: 'shared', label: 'Shared' },
      { value: 'community', label: 'Community' },
    ],
  },
  {
    id: 'state',
    label: 'State',
    options: [
      { value: 'active', label: 'Active' },
      { value: 'saving', label: 'Uploading or importing' },
      { value: 'queued', label: 'Waiting for data' },
      { value: 'deactivated', label: 'Deactivated' },
      { value: 'killed', label: 'Refused' },
    ],
  },
]

/** `allProjects`: the administrators' list of the images of all projects. */
export function ImagesPage({ allProjects = false }: { allProjects?: boolean }) {
  const may = useMay()
  const actions = useImageActions()
  const panel = useUrlPanel('create')
  const upload = (
    <MainAction
      label="Upload image"
      icon={<IconUpload size={16} />}
      allowed={may()}
      to={{ onClick: panel.open }}
    />
  )
  return (
    <>
      <PageHeader
        title={allProjects ? 'All images' : 'Images'}
        description={
          allProjects
            ? 'Of every project, the hidden ones, too.'
            : 'The disks that instances start from: yours and the public ones.'
        }
        actions={allProjects ? undefined : upload}
      />
      {!allProjects && <OfferedImages />}
      <ResourceTable
        descriptor={
          allProjects
            ? allImagesDescriptor
            : { ...imageDescriptor, empty: { ...imageDescriptor.empty, action: upload } }
        }
        actions={actions}
        filters={filters}
        query={imageList(allProjects)}
      />
      <ImageCreateForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}
