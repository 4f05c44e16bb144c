'use client'
import { Select, type SelectProps } from '@mantine/core'
import { useInstances, useNetworks } from '../lookups.ts'
import { portChoices } from './port-choices.ts'

/** An instance's port, found by the name of the instance or by address. */
export function PortSelect({ ready, ...props }: Omit<SelectProps, 'data'> & { ready: boolean }) {
  const { instances } = useInstances()
  const { networks } = useNetworks()
  return (
    <Select
      searchable
      clearable
      data={ready ? portChoices(instances, networks) : []}
      nothingFoundMessage="No instance with such a name or address"
      maxDropdownHeight={280}
      limit={200}
      {...props}
    />
  )
}
