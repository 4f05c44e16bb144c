import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A card of a page, with a title. */
export function Section({
  title,
  description,
  action,
  children,
}: {
  title?: string
  description?: ReactNode
  action?: ReactNode
  children: ReactNode
}) {
  return (
    <Paper component="section" withBorder radius="md" p="md" aria-label={title}>
      {(title || action) && (
        <Group justify="space-between" mb="sm" gap="sm">
          <Stack gap={2}>
            {title && (
              <Title order={2} size="h5">
                {title}
              </Title>
            )}
            {description && (
              <Text size="sm" c="dimmed" component="div">
                {description}
              </Text>
            )}
          </Stack>
          {action}
        </Group>
      )}
      {children}
    </Paper>
  )
}
