'use client'
import { Select, type SelectProps } from '@mantine/core'
import { useInstancePorts, useNetworks } from '../lookups.ts'
import { portChoices } from './port-choices.ts'

/** The choice of an instance's port, by the name of the instance or by address. */
export function PortSelect({
  ready,
  projectId,
  ...props
}: Omit<SelectProps, 'data'> & {
  ready: boolean
  /** The project of the instances; left out: the session's project. */
  projectId?: string
}) {
  const ports = useInstancePorts(projectId)
  const { networks } = useNetworks(projectId)
  return (
    <Select
      searchable
      clearable
      data={ready ? portChoices(ports, networks) : []}
      nothingFoundMessage="No instance with such a name or address"
      maxDropdownHeight={280}
      limit={200}
      {...props}
    />
  )
}
