'use client'
import { Alert, Anchor, Group, Stack, Text, TextInput } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { IconHelpHexagon } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from '../kit/errors.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Facts } from '../ui/Fact.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { Brakes } from './Brakes.tsx'
import { Capacity } from './Capacity.tsx'
import { HostState } from './HostState.tsx'
import { hostDescriptor } from './host.descriptor.tsx'
import { Standing } from './Standing.tsx'
import { Unconfirmed } from './Unconfirmed.tsx'

/** Capacity and facts of a host, and whether it takes new instances. */
export function HostPanelContent({ id }: { id: string }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.hosts.get.queryOptions({ id }))
  return (
    <Loaded query={query}>
      {(host) => (
        <Stack gap="md">
          <Group justify="space-between" gap="sm">
            <Text fw={600}>{host.name}</Text>
            <HostState host={host} />
          </Group>
          <Standing host={host} />
          <Brakes hostId={host.id} />
          <Unknown id={host.id} />
          <Unconfirmed key={host.id} host={host} />
          <Section title="Capacity">
            <Capacity host={host} />
          </Section>
          <Enabling key={String(host.enabled)} host={host} />
          <Facts items={hostDescriptor.facts?.(host) ?? []} />
          <Anchor component={Link} size="sm" href={`${paths.adminInstances}?host=${host.id}`}>
            Its instances
          </Anchor>
        </Stack>
      )}
    </Loaded>
  )
}

/** Links to the things on the host that no row knows, if there are any. */
function Unknown({ id }: { id: string }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.hosts.strays.queryOptions({ hostId: id, limit: 1 }))
  if (!data || data.total === 0) return null
  return (
    <Alert color="warn" variant="light" icon={<IconHelpHexagon />} title="Something here is unknown">
      <Anchor component={Link} size="sm" c="inherit" underline="always" href={`${paths.unknown}?host=${id}`}>
        {data.total === 1 ? 'One thing' : `${data.total} things`} without a row: look and decide
      </Anchor>
    </Alert>
  )
}

function Enabling({ host }: { host: HostView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const [reason, setReason] = useState('')
  const update = useMutation(
    trpc.hosts.update.mutationOptions({
      onSuccess({ name, enabled }) {
        invalidateKind(client, 'host')
        notify.done(enabled ? `${name} takes new instances` : `${name} takes no new instances`)
      },
    }),
  )
  const change = () => {
    if (host.enabled) {
      if (reason.trim()) update.mutate({ id: host.id, enabled: false, reason: reason.trim() })
    } else update.mutate({ id: host.id, enabled: true })
  }
  const error = update.error ? cloudError(update.error).message : null
  return (
    <Section title="New instances">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change()
        }}
      >
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {host.enabled
              ? 'The scheduler may place instances here. Those that run here go on when you disable it.'
              : 'The scheduler leaves this host alone. What runs here goes on.'}
          </Text>
          {host.enabled && (
            <TextInput
              label="Reason"
              description="Shown to administrators wherever the host is passed over."
              placeholder="memory is being replaced"
              maxLength={255}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              error={error}
            />
          )}
          {!host.enabled && error && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              {error}
            </Text>
          )}
          <Group>
            <ReasonButton
              size="xs"
              variant="default"
              loading={update.isPending}
              allowed={!host.enabled || reason.trim() ? true : 'Say why first: others will ask.'}
              onClick={change}
            >
              {host.enabled ? 'Disable the host' : 'Enable the host'}
            </ReasonButton>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
