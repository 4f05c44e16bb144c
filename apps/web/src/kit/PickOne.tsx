'use client'
import { Loader, Select, type SelectProps } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { Page } from '@stratolith/api/kernel/contract'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { CloudQuery } from './list-query.ts'

export type Named = { id: string; name: string; domainName?: string }
export type PickProps = Omit<SelectProps, 'data' | 'searchable' | 'searchValue' | 'onSearchChange'> & {
  /** The name of the value before the person has searched. */
  chosen?: { id: string; name: string } | null
}

/** A field to choose one of many things by typing. The server searches, so the list may have any length. */
export function PickOne<T extends Named>({
  query,
  chosen = null,
  noun,
  onChange,
  ...props
}: PickProps & { query: (search: string | undefined) => CloudQuery<Page<T>>; noun: string }) {
  const [typed, setTyped] = useState(chosen?.name ?? '')
  const [known, setKnown] = useState<{ id: string; name: string } | null>(chosen)
  const [search] = useDebouncedValue(typed, 200)
  // The name of the chosen thing in the field is not a search.
  const asked = known && known.id === props.value && search === known.name ? undefined : search || undefined
  const { data, isFetching } = useQuery({ ...query(asked), placeholderData: keepPreviousData })
  const found: Named[] = data?.items ?? []
  const all = known && !found.some(({ id }) => id === known.id) ? [known as Named, ...found] : found
  return (
    <Select
      {...props}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      data={all.map(({ id, name }) => ({ value: id, label: name }))}
      renderOption={({ option }) => {
        const one = all.find(({ id }) => id === option.value)
        return (
          <span>
            {option.label}
            {one?.domainName && one.domainName !== 'Default' && (
              <span style={{ color: 'var(--mantine-color-dimmed)' }}> · {one.domainName}</span>
            )}
          </span>
        )
      }}
      nothingFoundMessage={isFetching ? 'Looking …' : `No ${noun} has such a name`}
      rightSection={isFetching && typed && asked ? <Loader size={14} /> : undefined}
      maxDropdownHeight={260}
      onChange={(value, option) => {
        setKnown(value === null ? null : { id: value, name: option?.label ?? '' })
        onChange?.(value, option)
      }}
    />
  )
}
