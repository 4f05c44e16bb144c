import { Box, Group, Paper, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = { id: string; title: string; hint?: ReactNode; error?: ReactNode; children: ReactNode }

/** One question of the form, as a landmark; its error stands under the heading. */
export function FormSection({ id, title, hint, error, children }: Props) {
  return (
    <Paper component="section" withBorder p="md" radius="md" aria-labelledby={`${id}-title`}>
      <Group justify="space-between" align="baseline" gap="xs" mb="sm">
        <Title order={2} size="h5" id={`${id}-title`}>
          {title}
        </Title>
        {hint && (
          <Text size="sm" c="dimmed" component="div">
            {hint}
          </Text>
        )}
      </Group>
      {children}
      {error && (
        <Box role="alert" mt="xs">
          <Text size="sm" c="var(--mantine-color-error)">
            {error}
          </Text>
        </Box>
      )}
    </Paper>
  )
}
