'use client'
import { Button, Group, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { IconDownload, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { ProjectPick, UserPick } from '../directory/pickers.tsx'
import { cloudError } from '../kit/errors.ts'
import { notify } from '../kit/notify.ts'
import { saveText } from '../kit/save-file.ts'
import { useUrlState } from '../kit/url-state.ts'

const keys = ['project', 'user', 'kind', 'state', 'from', 'to'] as const

export function useHistoryFilters() {
  const { get, set } = useUrlState()
  return {
    get,
    set: (key: (typeof keys)[number], value: string | null) => set({ [key]: value, after: null }),
    clear: () => set({ after: null, ...Object.fromEntries(keys.map((key) => [key, null])) }),
    any: keys.some((key) => get(key) !== null),
  }
}

type Options = { label: string; options: { value: string; label: string }[] }

/** The filters by project, user, kind, state and time, which are in the address, and the download of all rows. */
export function HistoryFilters({
  kinds,
  states,
  download,
}: {
  kinds: Options
  states?: Options
  /** Makes the matching rows as CSV. */
  download: { file: string; make: () => Promise<string> }
}) {
  const { get, set, clear, any } = useHistoryFilters()
  const [busy, setBusy] = useState(false)
  const save = async () => {
    setBusy(true)
    try {
      saveText(download.file, await download.make(), 'text/csv')
    } catch (error) {
      notify.failed(cloudError(error))
    } finally {
      setBusy(false)
    }
  }
  const select = (key: 'kind' | 'state', { label, options }: Options) => (
    <NativeSelect
      label={label}
      value={get(key) ?? ''}
      onChange={(event) => set(key, event.currentTarget.value || null)}
      data={[{ value: '', label: 'any' }, ...options]}
    />
  )
  const time = (key: 'from' | 'to', label: string) => (
    <TextInput
      type="datetime-local"
      label={label}
      value={get(key) ?? ''}
      onChange={(event) => set(key, event.currentTarget.value || null)}
    />
  )
  return (
    <Stack gap="sm" mb="md">
      <SimpleGrid cols={{ base: 1, xs: 2, md: states ? 6 : 5 }} spacing="sm">
        <ProjectPick clearable value={get('project')} onChange={(value) => set('project', value)} />
        <UserPick label="By" clearable value={get('user')} onChange={(value) => set('user', value)} />
        {select('kind', kinds)}
        {states && select('state', states)}
        {time('from', 'From')}
        {time('to', 'Until')}
      </SimpleGrid>
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          loading={busy}
          onClick={() => void save()}
        >
          Download as CSV
        </Button>
        {any && (
          <Button variant="subtle" color="gray" leftSection={<IconX size={16} />} onClick={clear}>
            Show all
          </Button>
        )}
      </Group>
    </Stack>
  )
}
