'use client'
import { Button, CloseButton, Group, Kbd, TextInput } from '@mantine/core'
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { type ReactNode, useRef, useState } from 'react'
import { inSentence } from './descriptor.ts'
import { FilterField } from './FilterField.tsx'
import type { FilterDef } from './filters.ts'
import { MoreFilters } from './MoreFilters.tsx'

/** The search (press /), the filters, and the buttons of the page itself. */
export function TableToolbar({
  list,
  bare,
  filters,
  searchable,
  plural,
  options,
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
  /** Only what the page itself adds is shown, because the list has no things. */
  bare: boolean
  filters: FilterDef[]
  searchable: boolean
  plural: string
  /** The options of the list itself: columns and download. */
  options: ReactNode
  toolbar?: ReactNode
}) {
  if (bare) return toolbar ? <Group mb="sm">{toolbar}</Group> : null
  const [few, more] = [filters.filter(isChoice), filters.filter((filter) => !isChoice(filter))]
  return (
    <Group mb="sm" gap="xs" justify="space-between" align="center">
      <Group gap="xs" style={{ flex: '1 1 280px' }}>
        {searchable && <SearchField search={list.search} setSearch={list.setSearch} plural={plural} />}
        {few.map((filter) => (
          <FilterField
            key={filter.id}
            filter={filter}
            value={list.chosen[filter.id]}
            onChange={(value) => list.setFilter(filter.id, value)}
          />
        ))}
        {more.length > 0 && <MoreFilters filters={more} chosen={list.chosen} onChange={list.setFilter} />}
        {list.filtered && (
          <Button variant="subtle" color="gray" size="xs" onClick={list.clear}>
            Show all
          </Button>
        )}
      </Group>
      <Group gap="xs">
        {options}
        {toolbar}
      </Group>
    </Group>
  )
}

/** A filter with a few fixed options stands beside the search; all other filters are in a panel behind a button. */
const isChoice = (filter: FilterDef): boolean => 'options' in filter

/**
 * Sends the search when the person pauses, and shows the search of the address when that changes without typing (Back,
 * "Show all").
 */
function SearchField({
  search: asked,
  setSearch,
  plural,
}: {
  search: string
  setSearch: (text: string) => void
  plural: string
}) {
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(asked)
  const [known, setKnown] = useState(asked)
  // The address has changed without typing (Back, "Show all"), so the field shows its search.
  if (known !== asked) {
    setKnown(asked)
    setText(asked)
  }
  const search = useDebouncedCallback((value: string) => {
    setKnown(value)
    setSearch(value)
  }, 250)
  useHotkeys([['/', () => input.current?.focus()]])
  const change = (value: string) => {
    setText(value)
    search(value)
  }
  return (
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
  )
}
