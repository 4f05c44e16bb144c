'use client'
import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconPencil, IconTags, IconTrash } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Section } from '../ui/Section.tsx'
import { AsCode } from './AsCode.tsx'
import { cloudError } from './errors.ts'
import { RowsTable } from './RowsTable.tsx'
import { rereadKind } from './stale.ts'

type Item = { id: string; value: string }
type Props = {
  /** The `resourceKind` of the thing that has these items: its queries are read again after a change. */
  kind: string
  title: string
  description: string
  noun: string
  plural: string
  items: Readonly<Record<string, string>>
  /** Whether the items may be changed: true, or the sentence why not. */
  allowed: Allowed
  set: (key: string, value: string) => Promise<unknown>
  remove: (key: string) => Promise<unknown>
  setCli: (key: string, value: string) => string
  removeCli: (key: string) => string
  /** The placeholders of the empty fields. */
  example: { key: string; value: string }
  /** True: an item may be without a value, because its key alone says something. */
  mayBeEmpty?: boolean
}

/**
 * A list of keys and values that people write on a thing, with buttons to add, change and remove. The API decides which
 * words are allowed.
 */
export function KeyValues(props: Props) {
  const { kind, title, description, noun, plural, items, allowed, remove, removeCli } = props
  const [edited, setEdited] = useState<Item | null>(null)
  return (
    <Section title={title} description={description}>
      <Stack gap="md">
        <RowsTable<Item>
          descriptor={{
            kind,
            noun,
            plural,
            name: ({ id }) => id,
            icon: <IconTags size={28} />,
            columns: [
              { id: 'key', header: 'Key', cell: ({ id }) => <Code>{id}</Code> },
              { id: 'value', header: 'Value', cell: ({ value }) => (value ? <Code>{value}</Code> : '–') },
            ],
          }}
          rows={Object.entries(items)
            .map(([id, value]) => ({ id, value }))
            .toSorted((a, b) => (a.id < b.id ? -1 : 1))}
          empty={
            <Text size="sm" c="dimmed">
              Nothing so far.
            </Text>
          }
          actions={[
            {
              id: 'change',
              label: 'Change',
              icon: <IconPencil size={16} />,
              allowed: () => allowed,
              open: setEdited,
            },
            {
              id: 'remove',
              label: 'Remove',
              icon: <IconTrash size={16} />,
              danger: true,
              allowed: () => allowed,
              confirm: ([one]) => ({
                title: `Remove “${one?.id ?? ''}”?`,
                body: `Its value “${one?.value ?? ''}” is lost.`,
                confirmLabel: 'Remove',
              }),
              run: ({ id }) => remove(id),
              started: ([one]) => `Removed ${one?.id ?? ''}`,
              asCli: ({ id }) => removeCli(id),
            },
          ]}
        />
        {allowed === true && (
          <ItemForm key={edited?.id ?? ''} {...props} edited={edited} onDone={() => setEdited(null)} />
        )}
      </Stack>
    </Section>
  )
}

function ItemForm({
  kind,
  items,
  set,
  setCli,
  example,
  mayBeEmpty = false,
  edited,
  onDone,
}: Props & { edited: Item | null; onDone: () => void }) {
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const form = useForm({
    initialValues: { key: edited?.id ?? '', value: edited?.value ?? '' },
    validate: {
      key: (text) => (text.trim() ? null : 'Give it a key.'),
      value: (text) => (mayBeEmpty || text.trim() ? null : 'Give it a value.'),
    },
  })
  const key = form.values.key.trim()
  const submit = async () => {
    setBusy(true)
    try {
      await set(key, form.values.value.trim())
      await rereadKind(client, kind)
      form.reset()
      onDone()
    } catch (error) {
      const { field, message } = cloudError(error)
      form.setFieldError(field === 'value' ? 'value' : 'key', message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={form.onSubmit(() => void submit())} noValidate>
      <Group align="flex-start" gap="xs">
        <TextInput
          label="Key"
          placeholder={example.key}
          disabled={edited !== null}
          {...form.getInputProps('key')}
        />
        <TextInput
          label="Value"
          placeholder={example.value}
          autoFocus={edited !== null}
          {...form.getInputProps('value')}
        />
        <Button type="submit" variant="default" loading={busy} mt={25}>
          {Object.hasOwn(items, key) ? 'Change' : 'Add'}
        </Button>
        {edited && (
          <Button variant="subtle" mt={25} onClick={onDone}>
            Cancel
          </Button>
        )}
      </Group>
      {key && (
        <Group mt="xs" grow>
          <AsCode cli={setCli(key, form.values.value.trim())} />
        </Group>
      )}
    </form>
  )
}
