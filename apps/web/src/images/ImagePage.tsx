'use client'
import { Alert, Box, Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { imageTransitioning } from '@stratolith/api/images/states'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../kit/DetailPage.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { lazyTab } from '../kit/lazy-part.tsx'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { OperationsOf } from '../operations/OperationsOf.tsx'
import { Columns } from '../ui/Columns.tsx'
import { CopyText } from '../ui/CopyText.tsx'
import { Facts } from '../ui/Fact.tsx'
import { Section } from '../ui/Section.tsx'
import { ImageOffer } from './ImageOffer.tsx'
import { ImageState, UploadProgress } from './ImageState.tsx'
import { ImageWords } from './ImageWords.tsx'
import { imageDescriptor } from './image.descriptor.tsx'
import { useImageActions } from './image-actions.tsx'
import { useUpload } from './portal-uploads.ts'

const InstancesWith = lazyTab(() =>
  import('../compute/instances/InstancesWith.tsx').then((module) => module.InstancesWith),
)

/** The code of the tab, with its choice of projects, is loaded when the tab is opened. */
const ImageMembers = lazyTab(() => import('./ImageMembers.tsx').then((module) => module.ImageMembers))
const ImageEditForm = lazyPanel(() => import('./ImageEditForm.tsx').then((module) => module.ImageEditForm))

export function ImagePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const image = useQuery(trpc.images.get.queryOptions({ id }))
  return <Loaded query={image}>{(view) => <ImageDetail image={view} />}</Loaded>
}

function ImageDetail({ image }: { image: ImageView }) {
  const { isAdmin } = useSession()
  const panel = useUrlPanel('edit')
  const actions = useImageActions({ edit: panel.open, waiting: image.state === 'queued' })
  return (
    <>
      <DetailPage
        descriptor={imageDescriptor}
        view={image}
        actions={actions}
        badge={<ImageState image={image} />}
        header={
          <>
            <Happening image={image} />
            {!image.own && <ImageOffer image={image} />}
          </>
        }
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview image={image} /> },
          ...(image.own || isAdmin
            ? [{ id: 'sharing', label: 'Sharing', content: <ImageMembers image={image} /> }]
            : []),
          {
            id: 'instances',
            label: 'Instances',
            content: (
              <InstancesWith
                which={{ imageId: image.id, allProjects: isAdmin }}
                none={
                  isAdmin
                    ? 'No instance runs on this image.'
                    : 'No instance of this project runs on this image.'
                }
              />
            ),
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={image.id} projectId={image.projectId} />,
          },
        ]}
      />
      {panel.opened && <ImageEditForm image={image} opened onClose={panel.close} />}
    </>
  )
}

/** Says above everything else what is under way or has failed. */
function Happening({ image }: { image: ImageView }) {
  const upload = useUpload(image.id)
  if (upload?.state === 'running')
    return (
      <Section title="Upload">
        <UploadProgress upload={upload} wide />
      </Section>
    )
  const reason = image.errorMessage ?? (upload?.state === 'failed' ? upload.error : null)
  if (reason && !imageTransitioning(image.state))
    return (
      <Alert color="bad" variant="light" icon={<IconAlertTriangle />} title={reason} role="alert">
        {image.state === 'queued'
          ? 'Choose “Upload data” to try again, or delete the image.'
          : 'This image cannot be used. Delete it and upload a file that is in order.'}
      </Alert>
    )
  return null
}

function Overview({ image }: { image: ImageView }) {
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={imageDescriptor.facts?.(image) ?? []} />
        </Section>
      }
    >
      {image.description && (
        <Section title="Description">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {image.description}
          </Text>
        </Section>
      )}
      <ImageWords image={image} />
      <Section
        title="Checksums"
        description="Of the file as it was uploaded: compare them with those of its maker."
      >
        <Checksum label="SHA-256" value={image.sha256} />
        <Checksum label="MD5" value={image.checksumMd5} />
      </Section>
    </Columns>
  )
}

function Checksum({ label, value }: { label: string; value: string | null }) {
  return (
    <Box mt={6}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      {value ? <CopyText value={value} /> : <Text size="sm">Known after the upload</Text>}
    </Box>
  )
}
