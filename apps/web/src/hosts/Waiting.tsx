'use client'
import { List, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../kit/Ago.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { documentText, heldText } from './host-words.ts'

const lookEveryMs = 5_000

/** What the host has not confirmed yet; nothing when it has confirmed everything. */
export function Waiting({ hostId }: { hostId: string }) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.hosts.waiting.queryOptions({ id: hostId }),
    // No event tells of it: on a host that answers it is over in moments.
    refetchInterval: lookEveryMs,
  })
  if (!data) return null
  const held = heldText(data.held)
  if (data.documents.length === 0 && held === null) return null
  return (
    <Section title="Not confirmed yet">
      <Stack gap="xs">
        <List size="sm">
          {data.documents.map((row) => (
            <List.Item key={`${row.kind} ${row.wanted}`}>
              {documentText(row)}, the first since <Ago iso={row.since} />
            </List.Item>
          ))}
        </List>
        {held && <Text size="sm">{held}</Text>}
        {data.errors.map(({ kind, thing, error }) => (
          <Text key={`${kind} ${thing}`} size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {thing}: {error}
          </Text>
        ))}
      </Stack>
    </Section>
  )
}
