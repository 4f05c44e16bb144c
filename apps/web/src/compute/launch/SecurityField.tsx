'use client'
import { Checkbox, Chip, Group, Stack, Text } from '@mantine/core'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { FormSection } from './FormSection.tsx'
import { type Preset, presetGroup } from './values.ts'

/** The services that people want to open; "Web" opens two ports. */
const choices: { key: string; label: string; presets: Preset[]; opens: string }[] = [
  { key: 'ssh', label: 'SSH', presets: ['ssh'], opens: '22/tcp' },
  { key: 'web', label: 'Web', presets: ['http', 'https'], opens: '80/tcp and 443/tcp' },
  { key: 'ping', label: 'Ping', presets: ['ping'], opens: 'ICMP' },
  { key: 'rdp', label: 'Remote desktop', presets: ['rdp'], opens: '3389/tcp' },
]

type Props = {
  presets: Preset[]
  onPresets: (presets: Preset[]) => void
  groups: SecurityGroupView[]
  groupIds: string[]
  onGroups: (ids: string[]) => void
  error?: string
}

export function SecurityField({ presets, onPresets, groups, groupIds, onGroups, error }: Props) {
  const on = choices.filter((choice) => choice.presets.every((preset) => presets.includes(preset)))
  const change = (keys: string[]) =>
    onPresets(choices.filter((choice) => keys.includes(choice.key)).flatMap((choice) => choice.presets))
  return (
    <FormSection title="Open ports">
      <Stack gap="sm">
        <Chip.Group multiple value={on.map((choice) => choice.key)} onChange={change}>
          <Group gap="xs" role="group" aria-label="Ports to open">
            {choices.map((choice) => (
              <Chip key={choice.key} value={choice.key}>
                {choice.label}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
        <Text size="xs" c="dimmed">
          {on.length > 0
            ? `Lets ${on.map((choice) => choice.opens).join(', ')} in from anywhere, through the security group “${presetGroup(presets)}”.`
            : 'Nothing is let in beyond what the security groups below allow.'}
        </Text>
        <Checkbox.Group
          label="Security groups"
          description={
            on.length > 0
              ? `None chosen: the project’s default group, beside “${presetGroup(presets)}”.`
              : 'None chosen: the project’s default group.'
          }
          value={groupIds}
          onChange={onGroups}
          error={error}
        >
          <Group gap="md" mt="xs" mah={180} style={{ overflowY: 'auto' }}>
            {groups.map((group) => (
              <Checkbox key={group.id} value={group.id} label={group.name} />
            ))}
          </Group>
        </Checkbox.Group>
      </Stack>
    </FormSection>
  )
}
