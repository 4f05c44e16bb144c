'use client'
import { Badge, Box, Button, Collapse, Group, Paper, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { lazyPart } from '../../kit/lazy-part.tsx'
import type { LaunchFormApi } from './use-launch-form.ts'
import type { LaunchValues } from './values.ts'

const AdvancedBody = lazyPart(() => import('./AdvancedBody.tsx').then((m) => m.AdvancedBody))

/** The fields that few launches need. The section opens in place, and says how many of its fields are set. */
const advanced = [
  ...(['userData', 'metadata', 'description', 'tags', 'serverGroupId', 'zone'] as const),
  ...(['hostName', 'address', 'configDrive', 'adminPass'] as const),
]
/** Counts the fields that are set. */
const usedOptions = (values: LaunchValues): number =>
  [
    ...[values.userData, values.description, values.serverGroupId, values.zone, values.hostName],
    ...[values.address, values.configDrive, ...values.tags, ...values.metadata.map((row) => row.key)],
  ].filter(Boolean).length

export function AdvancedFields({ form }: { form: LaunchFormApi }) {
  const used = usedOptions(form.values)
  const broken = advanced.some((field) => form.errors[field])
  const [opened, { toggle }] = useDisclosure(used > 0)
  const open = opened || broken
  const [seen, setSeen] = useState(open)
  if (open && !seen) setSeen(true)
  return (
    <Paper component="section" withBorder p="md" radius="md" aria-label="More options">
      <Group gap="xs">
        <Button
          variant="subtle"
          size="compact-sm"
          px={4}
          leftSection={open ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
          rightSection={used > 0 && <Badge size="sm">{used} set</Badge>}
          onClick={toggle}
          aria-expanded={open}
          aria-controls="launch-more"
        >
          More options
        </Button>
        {!open && (
          <Text size="xs" c="dimmed">
            server group, zone, address, tags, user data, metadata, config drive
          </Text>
        )}
      </Group>
      <Collapse expanded={open} id="launch-more">
        {seen && (
          <Box pt="md">
            <AdvancedBody form={form} />
          </Box>
        )}
      </Collapse>
    </Paper>
  )
}
