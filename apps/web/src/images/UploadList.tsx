'use client'
import { ActionIcon, Affix, Anchor, Group, Paper, ScrollArea, Stack, Text } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import {
  IconAlertTriangle,
  IconChevronDown,
  IconChevronUp,
  IconCircleCheck,
  IconX,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { cloudError } from '../kit/errors.ts'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Hint } from '../ui/Hint.tsx'
import { UploadProgress } from './ImageState.tsx'
import { useCancelUpload } from './image-actions.tsx'
import { uploads as store } from './portal-uploads.ts'
import type { Upload } from './uploads.ts'

/** The uploads of this tab in a corner of the window, whatever page is open. */
export function UploadList({ uploads }: { uploads: readonly Upload[] }) {
  const [folded, setFolded] = useState(false)
  const ref = useTrayHeight()
  const running = uploads.filter((upload) => upload.state === 'running').length
  const title = running > 0 ? `${running} upload${running === 1 ? '' : 's'} under way` : 'Uploads'
  const Chevron = folded ? IconChevronUp : IconChevronDown
  return (
    <Affix
      position={{
        bottom: 'calc(16px + var(--bar, 0px))',
        left: 'calc(var(--page-start) + var(--mantine-spacing-md))',
      }}
      zIndex={150}
      maw="calc(100vw - 32px)"
    >
      <Paper
        ref={ref}
        component="section"
        withBorder
        shadow="md"
        radius="md"
        w={340}
        maw="100%"
        aria-label="Uploads"
      >
        <Group justify="space-between" px="md" py="xs" wrap="nowrap">
          <Text size="sm" fw={600} aria-live="polite">
            {title}
          </Text>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={folded ? 'Show uploads' : 'Hide uploads'}
            aria-expanded={!folded}
            onClick={() => setFolded(!folded)}
          >
            <Chevron size={16} />
          </ActionIcon>
        </Group>
        {!folded && (
          <ScrollArea.Autosize mah={260} px="md" pb="sm">
            <Stack gap="sm">
              {uploads.map((upload) => (
                <UploadRow key={upload.imageId} upload={upload} />
              ))}
            </Stack>
          </ScrollArea.Autosize>
        )}
      </Paper>
    </Affix>
  )
}

/** Reserves the height of the list, so that toasts stand above it and do not cover it. */
function useTrayHeight() {
  const { ref, height } = useElementSize<HTMLDivElement>()
  useEffect(() => {
    document.documentElement.style.setProperty('--tray', `${height + 16}px`)
    return () => void document.documentElement.style.removeProperty('--tray')
  }, [height])
  return ref
}

/** A finished upload stays in the list for this time. */
const shownMs = 10_000

function UploadRow({ upload }: { upload: Upload }) {
  const cancel = useCancelUpload()
  const running = upload.state === 'running'
  const label = running ? `Cancel the upload of ${upload.name}` : `Take ${upload.name} off this list`
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Anchor component={Link} href={paths.image(upload.imageId)} size="sm" lineClamp={1}>
          {upload.name}
        </Anchor>
        <Hint label={running ? 'Cancel' : 'Close'}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={label}
            onClick={() =>
              running ? void cancel({ id: upload.imageId, name: upload.name }) : store.dismiss(upload.imageId)
            }
          >
            <IconX size={14} />
          </ActionIcon>
        </Hint>
      </Group>
      {running ? <UploadProgress upload={upload} wide /> : <Outcome upload={upload} />}
    </Stack>
  )
}

/**
 * After the last byte the image's own state says how it goes on, and the image holds the reason when its bytes were
 * refused.
 */
function Outcome({ upload }: { upload: Upload }) {
  const trpc = useTRPC()
  const image = useQuery(trpc.images.get.queryOptions({ id: upload.imageId }, { retry: false }))
  const gone = image.error !== null && cloudError(image.error).code === 'not_found'
  const isReady = upload.state === 'done' && image.data?.state === 'active'
  useEffect(() => {
    if (!isReady) return
    const timer = setTimeout(() => store.dismiss(upload.imageId), shownMs)
    return () => clearTimeout(timer)
  }, [isReady, upload.imageId])
  const reason = image.data?.errorMessage ?? upload.error
  if (gone || upload.state === 'cancelled')
    return (
      <Text size="xs" c="dimmed">
        The image has been deleted.
      </Text>
    )
  if (upload.state === 'failed' || image.data?.state === 'killed')
    return (
      <Group gap={6} wrap="nowrap" align="flex-start" c="bad" role="alert">
        <IconAlertTriangle size={16} aria-hidden style={{ flexShrink: 0 }} />
        <Text size="xs">{reason ?? 'The upload failed. Try it again.'}</Text>
      </Group>
    )
  return (
    <Group gap={6} wrap="nowrap">
      <IconCircleCheck size={16} aria-hidden />
      <Text size="xs" c="dimmed">
        {image.data?.state === 'active'
          ? 'Uploaded, ready to launch'
          : 'Uploaded; it is being checked and converted'}
      </Text>
    </Group>
  )
}
