'use client'
import { Loader, Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Named, PickOneProps } from './PickOne.tsx'

/** The field of `PickOne` itself. */
export function PickField<T extends Named>({
  query,
  chosen = null,
  noun,
  onChange,
  ...props
}: PickOneProps<T>) {
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
