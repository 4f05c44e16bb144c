'use client'
import { Autocomplete } from '@mantine/core'

/** A field for the name of an action, which offers the names that match. */
export function ActionField({
  actions,
  value,
  onChange,
}: {
  actions: string[]
  value: string
  onChange: (value: string) => void
}) {
  return (
    <Autocomplete
      label="Does what"
      placeholder="An action, for example compute:launch_instance"
      data={actions}
      limit={60}
      maxDropdownHeight={260}
      value={value}
      onChange={onChange}
    />
  )
}
