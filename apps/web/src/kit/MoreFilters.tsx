'use client'
import { Button, Stack } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useState } from 'react'
import { Drop } from './Drop.tsx'
import { FilterField } from './FilterField.tsx'
import type { FilterDef } from './filters.ts'

/** The panel with the filters that are seldom used; its button shows how many of them narrow the list. */
export function MoreFilters({
  filters,
  chosen,
  onChange,
}: {
  filters: readonly FilterDef[]
  chosen: Record<string, string>
  onChange: (id: string, value: string | null) => void
}) {
  const many = filters.filter(({ id }) => chosen[id] !== undefined).length
  const [opened, setOpened] = useState(false)
  return (
    <Drop
      button={
        <Button
          variant={many > 0 ? 'light' : 'default'}
          size="sm"
          leftSection={<IconFilter size={16} aria-hidden />}
        >
          {many > 0 ? `More filters (${many})` : 'More filters'}
        </Button>
      }
      opened={opened}
      onChange={setOpened}
      label="More filters"
      position="bottom-start"
      width={260}
    >
      <Stack gap="xs">
        {filters.map((filter) => (
          <FilterField
            key={filter.id}
            filter={filter}
            value={chosen[filter.id]}
            onChange={(value) => onChange(filter.id, value)}
          />
        ))}
      </Stack>
    </Drop>
  )
}
