'use client'
import { Anchor, Box, Group, Stack, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { Ago } from '../kit/Ago.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { OperationState } from './OperationState.tsx'
import { isUnread } from './seen.ts'
import { operationTitle } from './words.ts'

/** The list of operations, the newest first; those that have ended since the last look are marked. */
export function News({
  items,
  seen,
  onLeave,
}: {
  items: OperationView[]
  seen: string | null
  onLeave: () => void
}) {
  const { project } = useSession()
  const list = project ? paths.operations : paths.adminOperations
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          Notifications
        </Text>
        <Anchor component={Link} href={list} size="sm" onClick={onLeave}>
          All operations
        </Anchor>
      </Group>
      {items.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing that you began has ended yet. You hear of it here, whatever page you are on.
        </Text>
      )}
      <Box mah={420} style={{ overflowY: 'auto' }}>
        <Stack gap={6} component="ul" p={0} pr={6} m={0} style={{ listStyle: 'none' }}>
          {items.map((operation) => (
            <li key={operation.id}>
              <Group gap="xs" justify="space-between" wrap="nowrap">
                <Anchor
                  component={Link}
                  href={`${list}?operation=${operation.id}`}
                  size="sm"
                  fw={isUnread(operation, seen) ? 700 : 400}
                  c="var(--mantine-color-text)"
                  truncate
                  onClick={onLeave}
                >
                  {operationTitle(operation)}
                  {operation.resourceName && ` “${operation.resourceName}”`}
                  {isUnread(operation, seen) && ' (new)'}
                </Anchor>
                <OperationState operation={operation} />
              </Group>
              <Text size="xs" c="dimmed" lineClamp={2} component="div">
                <Ago iso={operation.finishedAt ?? operation.createdAt} />
                {operation.errorMessage && ` · ${operation.errorMessage}`}
              </Text>
            </li>
          ))}
        </Stack>
      </Box>
    </Stack>
  )
}
