'use client'
import { MultiSelect, Stack, Switch } from '@mantine/core'

export type FilterValues = { portSecurity: boolean; adminUp: boolean }

/** The fields that decide which traffic passes a port: its groups, its port security, and whether it is switched on. */
export function FilterFields({
  values,
  set,
  groups,
  groupIds,
  setGroups,
  mayChoose,
  none,
  elsewhere = false,
}: {
  values: FilterValues
  set: (change: Partial<FilterValues>) => void
  groups: readonly { id: string; name: string }[]
  groupIds: string[]
  setGroups: (ids: string[]) => void
  /** False: the network belongs to another project, and only that project may switch port security off. */
  mayChoose: boolean
  /** The text that says what an empty choice of groups means. */
  none: string
  /** True: the session may not see the groups of the port's project. */
  elsewhere?: boolean
}) {
  return (
    <Stack gap="sm">
      {values.portSecurity && (
        <MultiSelect
          label="Security groups"
          description={
            elsewhere
              ? 'The port belongs to another project: switch to that one to choose among its groups.'
              : groupIds.length === 0
                ? none
                : 'What may get in and out.'
          }
          data={groups.map(({ id, name }) => ({ value: id, label: name }))}
          value={groupIds}
          onChange={setGroups}
          searchable
          hidePickedOptions
          nothingFoundMessage="No such group"
        />
      )}
      <Switch
        label="Port security"
        description={
          mayChoose || values.portSecurity
            ? 'Without it nothing is filtered: the port is in no group and may send from any address.'
            : 'Only the project that owns the network changes it.'
        }
        disabled={!mayChoose && values.portSecurity}
        checked={values.portSecurity}
        onChange={(event) => set({ portSecurity: event.currentTarget.checked })}
      />
      <Switch
        label="Switched on"
        description="A port that is switched off carries nothing."
        checked={values.adminUp}
        onChange={(event) => set({ adminUp: event.currentTarget.checked })}
      />
    </Stack>
  )
}
