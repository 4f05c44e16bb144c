'use client'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFile, IconFileUpload, IconX } from '@tabler/icons-react'
import { useRef } from 'react'
import { bytes } from '../kit/format.ts'

/**
 * A drop zone with a button that opens the file dialog. Its code is not small, so it is loaded when the panel opens.
 */
export function ImageFilePick({
  file,
  error,
  onPick,
}: {
  file: File | null
  error: string | null
  onPick: (file: File | null) => void
}) {
  const openDialog = useRef<() => void>(null)
  if (file)
    return (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
          <IconFile size={22} aria-hidden />
          <div style={{ minWidth: 0 }}>
            <Text size="sm" fw={600} lineClamp={1} title={file.name}>
              {file.name}
            </Text>
            <Text size="xs" c="dimmed">
              {bytes(file.size)}
            </Text>
          </div>
        </Group>
        <Button size="xs" variant="default" leftSection={<IconX size={14} />} onClick={() => onPick(null)}>
          Other file
        </Button>
      </Group>
    )
  return (
    <Stack gap="xs">
      <Dropzone
        multiple={false}
        onDrop={([first]) => onPick(first ?? null)}
        onReject={() => onPick(null)}
        openRef={openDialog}
        activateOnClick={false}
        activateOnKeyboard={false}
        enablePointerEvents
        inputProps={{ 'aria-label': 'Image file' }}
        role="group"
        aria-label="Image file"
        p="lg"
      >
        <Stack align="center" gap="xs">
          <IconFileUpload size={32} aria-hidden />
          <Button data-autofocus onClick={() => openDialog.current?.()}>
            Choose a file
          </Button>
          <Text size="sm" ta="center">
            or drop a raw or QCOW2 file here
          </Text>
          <Text size="xs" c="dimmed" ta="center">
            It goes straight to the cloud; this window only has to stay open meanwhile.
          </Text>
        </Stack>
      </Dropzone>
      {error && (
        <Alert color="bad" variant="light" p="xs" role="alert">
          {error}
        </Alert>
      )}
    </Stack>
  )
}
