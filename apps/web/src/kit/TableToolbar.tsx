'use client'
import { Button, CloseButton, Group, Kbd, NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { type ReactNode, useRef, useState } from 'react'
import { inSentence } from './descriptor.ts'
import type { FilterDef } from './list-query.ts'

/** Search (press /), filters and the page's own buttons. */
export function TableToolbar({
  list,
  filters,
  searchable,
  plural,
  toolbar,
}: {
  list: {
    search: string
    chosen: Record<string, string>
    filtered: boolean
    setSearch: (text: string) => void
    setFilter: (id: string, value: string | null) => void
    clear: () => void
  }
  filters: FilterDef[]
  searchable: boolean
  plural: string
  toolbar?: ReactNode
}) {
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(list.search)
  const [known, setKnown] = useState(list.search)
  // The address changed by itself (Back, "Show all"): follow it.
  if (known !== list.search) {
    setKnown(list.search)
    setText(list.search)
  }
  const search = useDebouncedCallback((value: string) => {
    setKnown(value)
    list.setSearch(value)
  }, 250)
  useHotkeys([['/', () => input.current?.focus()]])
  const change = (value: string) => {
    setText(value)
    search(value)
  }
  return (
    <Group mb="sm" gap="xs" justify="space-between" align="center">
      <Group gap="xs" style={{ flex: '1 1 280px' }}>
        {searchable && (
          <TextInput
            ref={input}
            type="search"
            aria-label={`Search ${inSentence(plural)}`}
            placeholder={`Search ${inSentence(plural)}`}
            leftSection={<IconSearch size={16} />}
            rightSection={
              text ? (
                <CloseButton size="sm" aria-label="Clear the search" onClick={() => change('')} />
              ) : (
                <Kbd size="xs" aria-hidden visibleFrom="sm">
                  /
                </Kbd>
              )
            }
            value={text}
            onChange={(event) => change(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Escape' && change('')}
            style={{ flex: '1 1 180px', maxWidth: 340 }}
          />
        )}
        {filters.map((filter) => (
          <NativeSelect
            key={filter.id}
            aria-label={filter.label}
            data={[{ value: '', label: `${filter.label}: any` }, ...filter.options]}
            value={list.chosen[filter.id] ?? ''}
            onChange={(event) => list.setFilter(filter.id, event.currentTarget.value || null)}
            w={170}
          />
        ))}
        {list.filtered && (
          <Button variant="subtle" color="gray" size="xs" onClick={list.clear}>
            Show all
          </Button>
        )}
      </Group>
      {toolbar && <Group gap="xs">{toolbar}</Group>}
    </Group>
  )
}
