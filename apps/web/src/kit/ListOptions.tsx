'use client'
import { ActionIcon, Button, Checkbox, Divider, Stack, Text } from '@mantine/core'
import { IconAdjustmentsHorizontal, IconDownload } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { everyPage, listFile, TooLong } from './csv.ts'
import { Drop } from './Drop.tsx'
import type { ColumnDef } from './descriptor.ts'
import { cloudError } from './errors.ts'
import type { useListQuery } from './list-query.ts'
import { notify } from './notify.ts'
import { fileNameOf, saveText } from './save-file.ts'

/** The rows of one request for a file: the most that a list procedure gives. */
const partSize = 1000

/** The menu of a list: the choice of its columns, and the download of the whole list as a file. */
export function ListOptions<V extends { id: string }>({
  plural,
  columns,
  isShown,
  show,
  part,
}: {
  plural: string
  columns: ColumnDef<V>[]
  isShown: (id: string) => boolean
  show: (id: string, on: boolean) => void
  part: ReturnType<typeof useListQuery<V>>['part']
}) {
  const client = useQueryClient()
  const [opened, setOpened] = useState(false)
  const [busy, setBusy] = useState(false)
  const download = async () => {
    setBusy(true)
    try {
      const rows = await everyPage<V>((marker) => client.fetchQuery(part(marker, partSize)))
      saveText(fileNameOf(plural.toLowerCase(), '.csv'), listFile(columns, rows), 'text/csv')
    } catch (error) {
      notify.failed(
        error instanceof TooLong ? { ...cloudError(error), message: error.message } : cloudError(error),
      )
    } finally {
      setBusy(false)
    }
  }
  return (
    <Drop
      button={
        <ActionIcon variant="default" size={36} aria-label="Columns and download">
          <IconAdjustmentsHorizontal size={18} />
        </ActionIcon>
      }
      opened={opened}
      onChange={setOpened}
      label="Columns and download"
      position="bottom-end"
    >
      <Stack gap="xs" role="group" aria-label="Columns">
        <Text size="xs" c="dimmed">
          Columns
        </Text>
        {columns.slice(1).map(({ id, header }) => (
          <Checkbox
            key={id}
            size="sm"
            label={header}
            checked={isShown(id)}
            onChange={(event) => show(id, event.currentTarget.checked)}
          />
        ))}
      </Stack>
      <Divider my="sm" />
      <Button
        variant="default"
        size="xs"
        fullWidth
        leftSection={<IconDownload size={14} />}
        loading={busy}
        onClick={() => void download()}
      >
        Download as CSV
      </Button>
    </Drop>
  )
}
