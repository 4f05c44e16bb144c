'use client'
import { Group, Progress, Stack, Text } from '@mantine/core'
import type { ImageView } from '@stratolith/api/images/contract'
import { bytes, seconds } from '../kit/format.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useUpload } from './portal-uploads.ts'
import { secondsLeft, type Upload } from './uploads.ts'

type Shown = Pick<ImageView, 'id' | 'state' | 'sizeBytes' | 'uploadedBytes' | 'errorMessage'>

/**
 * Shows the state in words and, during an upload, how many bytes of how many have arrived. Only the tab that uploads
 * knows the total.
 */
export function ImageState({ image, wide = false }: { image: Shown; wide?: boolean }) {
  const upload = useUpload(image.id)
  if (upload?.state === 'running') return <UploadProgress upload={upload} wide={wide} />
  if ((image.state === 'saving' || image.state === 'uploading') && image.sizeBytes === null)
    return <StateBadge state={`Uploading · ${bytes(image.uploadedBytes)}`} tone="busy" />
  if (image.state === 'uploading')
    return <StateBadge state="Staged" tone="off" detail="The data is here and waits for its import." />
  if (image.state === 'saving' || image.state === 'importing')
    return (
      <StateBadge
        state="Importing"
        tone="busy"
        detail="The data is here. It is being checked and converted."
      />
    )
  if (image.state === 'queued')
    return (
      <StateBadge
        state="Waiting for data"
        tone="off"
        detail={image.errorMessage ?? 'Nothing has been uploaded yet.'}
      />
    )
  if (image.state === 'deactivated')
    return <StateBadge state="Deactivated" tone="off" detail="It cannot be launched or downloaded for now." />
  if (image.state === 'killed') return <StateBadge state="Refused" tone="bad" detail={image.errorMessage} />
  if (image.state === 'deleted') return <StateBadge state="Deleted" tone="off" />
  return <StateBadge state="Active" tone="good" />
}

export function UploadProgress({ upload, wide = false }: { upload: Upload; wide?: boolean }) {
  const percent = upload.totalBytes === 0 ? 0 : (upload.sentBytes / upload.totalBytes) * 100
  const left = secondsLeft(upload)
  const sent = upload.sentBytes >= upload.totalBytes
  return (
    <Stack gap={4} miw={140} maw={wide ? undefined : 200}>
      <Progress.Root size="sm" radius="xl">
        <Progress.Section
          value={percent}
          animated={sent}
          aria-label={`Upload of ${upload.name}: ${Math.floor(percent)} percent`}
        />
      </Progress.Root>
      <Group justify="space-between" gap={4} wrap="nowrap">
        <Text size="xs" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {sent ? 'Checking…' : `${Math.floor(percent)}%`}
          {wide && ` · ${bytes(upload.sentBytes)} of ${bytes(upload.totalBytes)}`}
        </Text>
        {!sent && upload.bytesPerSecond !== null && (
          <Text size="xs" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}>
            {bytes(upload.bytesPerSecond)}/s
            {wide && left !== null && ` · ${seconds(left * 1000)} left`}
          </Text>
        )}
      </Group>
    </Stack>
  )
}
