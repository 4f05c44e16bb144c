import { Box, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Section } from '../../ui/Section.tsx'

type Props = { title: string; hint?: ReactNode; error?: ReactNode; children: ReactNode }

/** One question of the form, as a landmark; its error stands below the answer. */
export function FormSection({ title, hint, error, children }: Props) {
  return (
    <Section
      title={title}
      action={
        hint && (
          <Text size="sm" c="dimmed" component="div">
            {hint}
          </Text>
        )
      }
    >
      {children}
      {error && (
        <Box role="alert" mt="xs">
          <Text size="sm" c="var(--mantine-color-error)">
            {error}
          </Text>
        </Box>
      )}
    </Section>
  )
}
