'use client'
import { Button, Popover, Stack } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
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
  return (
    <Popover position="bottom-start" shadow="md" trapFocus returnFocus width={260}>
      <Popover.Target>
        <Button
          variant={many > 0 ? 'light' : 'default'}
          size="sm"
          leftSection={<IconFilter size={16} aria-hidden />}
        >
          {many > 0 ? `More filters (${many})` : 'More filters'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
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
      </Popover.Dropdown>
    </Popover>
  )
}
