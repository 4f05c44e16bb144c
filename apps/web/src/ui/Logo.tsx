import { Group, Text } from '@mantine/core'

/** The logo: layers of stone, and the name. */
export function Logo({ compact }: { compact?: boolean }) {
  return (
    <Group gap={8} wrap="nowrap">
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="var(--mantine-primary-color-filled)" />
        <path
          d="M7 11.5 16 7l9 4.5-9 4.5zM7 16l9 4.5 9-4.5M7 20.5 16 25l9-4.5"
          fill="none"
          stroke="#fff"
          strokeWidth="2"
          strokeLinejoin="round"
          strokeLinecap="round"
        />
      </svg>
      <Text fw={700} size="lg" visibleFrom={compact ? 'sm' : undefined}>
        Stratolith
      </Text>
    </Group>
  )
}
