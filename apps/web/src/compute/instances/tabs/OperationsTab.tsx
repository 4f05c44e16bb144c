'use client'
import { Accordion, Button, Group, Stack, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../../../kit/Ago.tsx'
import { seconds } from '../../../kit/format.ts'
import { Loaded } from '../../../kit/Loaded.tsx'
import { StateBadge, type Tone } from '../../../kit/StateBadge.tsx'
import { useTRPC } from '../../../kit/trpc.ts'
import { useUrlState } from '../../../kit/url-state.ts'
import { Explanation } from '../../../operations/Explanation.tsx'
import { Timeline } from '../../../operations/Timeline.tsx'

const tones: Record<OperationView['state'], Tone> = {
  queued: 'busy',
  running: 'busy',
  undoing: 'busy',
  succeeded: 'good',
  failed: 'bad',
}
const words: Record<string, string> = {
  'instance.create': 'Launch',
  'instance.console': 'Console opened',
  'instance.start': 'Start',
  'instance.stop': 'Stop',
  'instance.reboot': 'Reboot',
  'instance.pause': 'Pause',
  'instance.unpause': 'Resume',
  'instance.update': 'Change',
  'instance.delete': 'Delete',
}
const pageSize = 20

/** Everything that was ever done to this instance: who, when, how long each step took. */
export function OperationsTab({ id }: { id: string }) {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const after = get('before')
  const query = useQuery(
    trpc.operations.list.queryOptions({
      resourceKind: 'instance',
      resourceId: id,
      limit: pageSize,
      marker: after ?? undefined,
    }),
  )
  return (
    <Loaded query={query}>
      {({ items, next }) => (
        <Stack gap="sm">
          <Accordion variant="separated" multiple defaultValue={items.slice(0, 1).map((operation) => operation.id)}>
            {items.map((operation) => (
              <Operation key={operation.id} operation={operation} />
            ))}
          </Accordion>
          <Group gap="xs">
            {after && (
              <Button size="xs" variant="default" onClick={() => set({ before: null })}>
                Newest
              </Button>
            )}
            {next && (
              <Button size="xs" variant="default" onClick={() => set({ before: next }, true)}>
                Older
              </Button>
            )}
          </Group>
        </Stack>
      )}
    </Loaded>
  )
}

function Operation({ operation }: { operation: OperationView }) {
  const { startedAt, finishedAt, actorName } = operation
  const took = startedAt && finishedAt ? seconds(Date.parse(finishedAt) - Date.parse(startedAt)) : null
  return (
    <Accordion.Item value={operation.id}>
      <Accordion.Control>
        <Group gap="sm" justify="space-between" pr="xs">
          <Group gap="sm">
            <Text size="sm" fw={600}>
              {words[operation.action] ?? operation.action}
            </Text>
            <StateBadge state={operation.state} tone={tones[operation.state]} />
          </Group>
          <Text size="sm" c="dimmed">
            {actorName ?? 'the cloud'} · <Ago iso={operation.createdAt} />
            {took && ` · ${took}`}
          </Text>
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">
          {operation.steps.length > 0 || operation.errorMessage ? (
            <Timeline operation={operation} />
          ) : (
            <Text size="sm" c="dimmed">
              Done at once, without steps.
            </Text>
          )}
          {operation.state === 'failed' && operation.explanation && <Explanation verdicts={operation.explanation} />}
          {operation.requestId && (
            <Text size="xs" c="dimmed">
              Request {operation.requestId}
            </Text>
          )}
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  )
}
