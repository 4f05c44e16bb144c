'use client'
import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import type { HostView, UnconfirmedView } from '@stratolith/api/hosts/contract'
import { hostCan } from '@stratolith/api/hosts/states'
import { IconChecks, IconRefresh } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Ago } from '../kit/Ago.tsx'
import type { RowsDescriptor } from '../kit/descriptor.ts'
import { cloudError } from '../kit/errors.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { notify } from '../kit/notify.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../kit/rights.ts'
import { invalidateKind } from '../kit/stale.ts'
import { NameLink } from '../kit/TableParts.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { useNow } from '../kit/use-now.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'
import { heldText } from './host-words.ts'
import { lookAgainMs } from './list.ts'
import {
  countText,
  nextTry,
  shownText,
  toldText,
  unconfirmedName,
  unconfirmedPath,
  unconfirmedText,
  waitingText,
} from './unconfirmed-words.ts'

const pageSize = 20

/** The documents that the host has not confirmed yet, those that have waited longest first. */
export function Unconfirmed({ host }: { host: HostView }) {
  const trpc = useTRPC()
  const [marker, goTo] = useState<string>()
  const query = useQuery({
    ...trpc.hosts.unconfirmed.queryOptions({ id: host.id, limit: pageSize, marker }),
    refetchInterval: lookAgainMs,
    placeholderData: keepPreviousData,
  })
  const total = query.data?.total ?? 0
  return (
    <Section
      title="Not confirmed yet"
      // The element is there even without a text, because screen readers often do not read a text that appears
      // together with its element.
      description={<span role="status">{waitingText(total)}</span>}
      action={total > 0 && <TellNow host={host} />}
    >
      <Loaded query={query}>
        {({ items, next }) => (
          <Stack gap="xs">
            {total === 0 && <AllConfirmed />}
            {items.length > 0 && <RowsTable descriptor={descriptorFor(host)} rows={items} />}
            {total > items.length && (
              <Group justify="space-between">
                <Text size="sm" c="dimmed">
                  {shownText(items.length, total)}
                </Text>
                <Group gap="xs">
                  <Button
                    size="xs"
                    variant="default"
                    disabled={marker === undefined}
                    onClick={() => goTo(undefined)}
                  >
                    First page
                  </Button>
                  <Button
                    size="xs"
                    variant="default"
                    disabled={next === null}
                    onClick={() => goTo(next ?? undefined)}
                  >
                    Next page
                  </Button>
                </Group>
              </Group>
            )}
          </Stack>
        )}
      </Loaded>
      {total > 0 && <Held hostId={host.id} />}
    </Section>
  )
}

function AllConfirmed() {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <IconChecks size={20} color="var(--mantine-color-good-text)" style={{ flexShrink: 0 }} aria-hidden />
      <Text size="sm">
        The host has everything as it should be: it has confirmed every change of the instances, ports,
        networks, routers and security groups that it needs.
      </Text>
    </Group>
  )
}

/** Addresses and room that others do not get before the host has confirmed; shows nothing when there are none. */
function Held({ hostId }: { hostId: string }) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.hosts.held.queryOptions({ id: hostId }),
    refetchInterval: lookAgainMs,
  })
  const text = data && heldText(data)
  return text ? (
    <Text size="sm" mt="sm">
      {text}
    </Text>
  ) : null
}

function TellNow({ host }: { host: HostView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const tell = useMutation(
    trpc.hosts.tellNow.mutationOptions({
      onSuccess({ told }) {
        invalidateKind(client, 'host')
        notify.started(toldText(host.name, told))
      },
      onError: (error) => notify.failed(cloudError(error)),
    }),
  )
  return (
    <ReasonButton
      size="xs"
      variant="default"
      leftSection={<IconRefresh size={14} />}
      loading={tell.isPending}
      allowed={all(admin(), hostCan.tell(host))}
      onClick={() => tell.mutate({ id: host.id })}
    >
      Tell it now
    </ReasonButton>
  )
}

const descriptorFor = (host: HostView): RowsDescriptor<UnconfirmedView> => ({
  kind: 'host',
  noun: 'Change not confirmed',
  plural: 'Changes not confirmed',
  name: unconfirmedName,
  icon: <IconChecks size={28} />,
  columns: [
    { id: 'what', header: 'What', cell: (row) => <What row={row} /> },
    { id: 'since', header: 'Since', cell: ({ since }) => <Ago iso={since} /> },
    { id: 'next', header: 'Told again', cell: (row) => <NextTry row={row} host={host} /> },
  ],
})

function What({ row }: { row: UnconfirmedView }) {
  const path = unconfirmedPath(row)
  return (
    <Stack gap={2}>
      {path ? (
        <NameLink href={path}>{unconfirmedName(row)}</NameLink>
      ) : (
        <Text size="sm" fw={600}>
          {unconfirmedName(row)}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {unconfirmedText(row)}
      </Text>
      {row.waitsFor && <Text size="xs">It waits for {row.waitsFor}.</Text>}
      {row.error && (
        <Text size="xs" style={{ overflowWrap: 'anywhere' }}>
          {row.error.message}{' '}
          <Text span size="xs" c="dimmed">
            It said “{row.error.detail}”{row.attempts > 1 && ` ${row.attempts} times`}.
          </Text>
        </Text>
      )}
    </Stack>
  )
}

function NextTry({ row, host }: { row: UnconfirmedView; host: HostView }) {
  const next = nextTry(row, host, useNow())
  return 'at' in next ? <Ago iso={next.at} /> : next.text
}

/** The number of unconfirmed documents in the list of hosts, if there are any; the host's panel lists them. */
export function UnconfirmedCount({ host: { id, name, unconfirmed } }: { host: HostView }) {
  const { set } = useUrlState()
  if (unconfirmed === 0) return null
  return (
    <Anchor
      component="button"
      type="button"
      display="block"
      size="xs"
      ta="left"
      aria-label={`${countText(unconfirmed)} by ${name}`}
      onClick={() => set({ panel: id }, true)}
    >
      {countText(unconfirmed)}
    </Anchor>
  )
}
