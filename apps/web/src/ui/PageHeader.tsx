'use client'
import { Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useContext } from 'react'
import { HelpSlot } from './help-slot.ts'
import classes from './PageHeader.module.css'

/** A title with more letters has more than two lines on a phone. */
const long = 36

/** The top of a page: its title, a sentence about it, and its main actions. */
export function PageHeader({
  title,
  description,
  actions,
  badge,
  icon,
}: {
  title: string
  description?: ReactNode
  actions?: ReactNode
  badge?: ReactNode
  icon?: ReactNode
}) {
  const help = useContext(HelpSlot)
  return (
    <Group justify="space-between" align="flex-start" gap="sm" mb="md">
      {/* A long sentence breaks before the buttons go below it. */}
      <Group gap="sm" wrap="nowrap" align="flex-start" style={{ flex: '1 1 20rem', minWidth: 0 }}>
        {icon}
        <Stack gap={2} style={{ minWidth: 0 }}>
          <Group gap="sm">
            <Title
              order={1}
              size="h3"
              className={classes.title}
              data-long={title.length > long || undefined}
              style={{ overflowWrap: 'anywhere' }}
            >
              {title}
            </Title>
            {badge}
            {help}
          </Group>
          {description && (
            <Text size="sm" c="dimmed" component="div">
              {description}
            </Text>
          )}
        </Stack>
      </Group>
      {actions && (
        <Group gap="xs" className={classes.actions}>
          {actions}
        </Group>
      )}
    </Group>
  )
}
