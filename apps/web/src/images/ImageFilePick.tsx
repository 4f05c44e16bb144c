'use client'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconFile, IconFileUpload, IconX } from '@tabler/icons-react'
import { bytes } from '../kit/format.ts'

/** Drop zone or, with Enter, the file dialog. Loaded when the panel opens: it is not small. */
export function ImageFilePick({
  file,
  error,
  onPick,
}: {
  file: File | null
  error: string | null
  onPick: (file: File | null) => void
}) {
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
        inputProps={{ 'aria-label': 'Image file' }}
        aria-label="Choose the image file, or drop it here"
        role="button"
        p="lg"
      >
        <Stack align="center" gap={4} style={{ pointerEvents: 'none' }}>
          <IconFileUpload size={32} aria-hidden />
          <Text size="sm" fw={600} ta="center">
            Drop a raw or QCOW2 file here, or click to choose
          </Text>
          <Text size="xs" c="dimmed" ta="center">
            It goes straight to the cloud; this window only has to stay open meanwhile.
          </Text>
        </Stack>
      </Dropzone>
      {error && (
        <Alert color="red" variant="light" p="xs" role="alert">
          {error}
        </Alert>
      )}
    </Stack>
  )
}
