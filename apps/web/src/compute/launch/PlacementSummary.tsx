'use client'
import { Button, Collapse, Group, Stack, Text, ThemeIcon } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { LaunchPlan } from '@stratolith/api/compute/contract'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { lazyPart } from '../../kit/lazy-part.tsx'

/** This code is loaded when somebody asks for the reasons. */
const Explanation = lazyPart(() => import('../../operations/Explanation.tsx').then((m) => m.Explanation))

/** Says on how many hosts the instance fits, and host by host why it does not; opens by itself when it fits nowhere. */
export function PlacementSummary({ plan }: { plan: LaunchPlan }) {
  const { fit, total } = plan.hosts
  const [asked, { toggle }] = useDisclosure(false)
  const open = asked || fit === 0
  return (
    <Stack gap={4}>
      <Group gap="xs" justify="space-between">
        <Group gap="xs">
          <ThemeIcon size="sm" variant="light" color={fit > 0 ? 'good' : 'bad'} aria-hidden>
            {fit > 0 ? <IconCheck size={14} /> : <IconAlertTriangle size={14} />}
          </ThemeIcon>
          <Text size="sm" fw={600}>
            {total === 0
              ? 'There is no host'
              : `Fits on ${fit} of ${total} ${total === 1 ? 'host' : 'hosts'}`}
          </Text>
        </Group>
        {fit > 0 && (
          <Button size="compact-xs" variant="subtle" onClick={toggle} aria-expanded={open}>
            {open ? 'Hide' : 'Why?'}
          </Button>
        )}
      </Group>
      {plan.suggestion && (
        <Text size="sm" c="dimmed">
          {plan.suggestion}
        </Text>
      )}
      <Collapse expanded={open}>{open && <Explanation placement={plan.hosts} />}</Collapse>
    </Stack>
  )
}
