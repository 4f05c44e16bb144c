'use client'
import { Code, Skeleton, Stack, Text } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconPencil, IconTags, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Section } from '../ui/Section.tsx'
import { lazyPart } from './lazy-part.tsx'
import { RowsTable } from './RowsTable.tsx'

export type Item = { id: string; value: string }
export type KeyValuesProps = {
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

// The server draws the form, and its code arrives after the page.
const ItemForm = lazyPart(() => import('./KeyValueForm.tsx').then((module) => module.KeyValueForm), {
  waiting: <Skeleton h={61} />,
})

/** A long key is broken where the table has no room for it beside the facts. */
const anywhere = { overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' } as const

/**
 * A list of keys and values that people write on a thing, with buttons to add, change and remove. The API decides which
 * words are allowed.
 */
export function KeyValues(props: KeyValuesProps) {
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
              { id: 'key', header: 'Key', cell: ({ id }) => <Code style={anywhere}>{id}</Code> },
              {
                id: 'value',
                header: 'Value',
                cell: ({ value }) => (value ? <Code style={anywhere}>{value}</Code> : '–'),
              },
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
