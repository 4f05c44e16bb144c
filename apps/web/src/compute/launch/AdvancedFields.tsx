'use client'
import { Badge, Box, Button, Collapse, Group, Paper, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { LaunchFormApi } from './use-launch-form.ts'

const AdvancedBody = dynamic(() => import('./AdvancedBody.tsx').then((m) => m.AdvancedBody))

/** User data, metadata, description: opens in place and says how much of it is set. */
export function AdvancedFields({ form }: { form: LaunchFormApi }) {
  const { userData, metadata, description } = form.values
  const used = [userData, description, ...metadata.map((row) => row.key)].filter(Boolean).length
  const broken = Boolean(form.errors.userData ?? form.errors.metadata ?? form.errors.description)
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
            user data, metadata, description
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
