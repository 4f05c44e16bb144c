'use client'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import type { BrakeView } from '@stratolith/api/hosts/contract'
import { IconHandStop } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { confirm } from '../kit/confirm.tsx'
import { inSentence } from '../kit/descriptor.ts'
import { cloudError } from '../kit/errors.ts'
import { notify } from '../kit/notify.ts'
import { useAdminOnly } from '../kit/rights.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { placeName, strayWords } from './stray-words.ts'

/** Brakes: rounds that would remove so much that they wait for an administrator; of one host, or of all. */
export function Brakes({ hostId }: { hostId?: string }) {
  const trpc = useTRPC()
  const brakes = useQuery(trpc.hosts.brakes.queryOptions())
  const shown = (brakes.data ?? []).filter(
    (brake) => brake.releasedAt === null && (hostId === undefined || brake.host?.id === hostId),
  )
  if (shown.length === 0) return null
  return (
    <Stack gap="sm" mb="md">
      {shown.map((brake) => (
        <Brake key={brake.id} brake={brake} />
      ))}
    </Stack>
  )
}

function Brake({ brake }: { brake: BrakeView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const words = strayWords[brake.kind]
  const many = `${brake.count} of ${brake.total} ${inSentence(words.plural)}`
  const release = useMutation(
    trpc.hosts.releaseBrake.mutationOptions({
      onSuccess() {
        invalidateKind(client, 'host')
        notify.started(`Removing ${many} on ${placeName(brake.host)}`)
      },
      onError: (error) => notify.failed(cloudError(error)),
    }),
  )
  const ask = async () => {
    const yes = await confirm({
      title: `Remove ${many}?`,
      body: `They are gone for good on ${placeName(brake.host)}. Do it only when you know why there are so many: after a long outage of the host, say, and not after a restore.`,
      confirmLabel: 'Remove them',
      danger: true,
    })
    if (yes) release.mutate({ id: brake.id, pulledAt: brake.pulledAt })
  }
  return (
    <Alert
      color="warn"
      variant="light"
      icon={<IconHandStop />}
      title={`Stopped: ${many} on ${placeName(brake.host)} would be removed`}
    >
      <Stack gap="xs">
        <Text size="sm">
          Their rows were deleted, or their time as unknown is over. That is so much at once that nothing was
          removed; everything goes on as it is until you decide.
        </Text>
        <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {brake.things.slice(0, 5).join(', ')}
          {brake.count > 5 ? ` and ${brake.count - 5} more` : ''}
        </Text>
        <Group>
          <ReasonButton
            size="xs"
            color="bad"
            variant="light"
            loading={release.isPending}
            allowed={admin()}
            onClick={() => void ask()}
          >
            Remove them
          </ReasonButton>
          <Button
            size="xs"
            variant="default"
            onClick={() => void navigator.clipboard.writeText(brake.things.join('\n'))}
          >
            Copy their ids
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
