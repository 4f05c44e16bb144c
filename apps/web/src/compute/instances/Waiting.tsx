'use client'
import { Alert, Anchor, List, Stack, Text } from '@mantine/core'
import type { InstanceView, InstanceWaiting } from '@stratolith/api/compute/contract'
import { IconHourglass } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { Ago } from '../../kit/Ago.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useNow } from '../../kit/use-now.ts'
import { partsToShow, partText, whyText } from './waiting-words.ts'

/** That a host has confirmed is told by no event. */
const lookAgainMs = 3_000

/** Which parts of it its host has not confirmed, why and since when; nothing when all has arrived. */
export function Waiting({ view }: { view: InstanceView }) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.compute.instances.waiting.queryOptions({ id: view.id }),
    refetchInterval: ({ state }) => (state.data?.parts.length ? lookAgainMs : false),
  })
  return data && data.parts.length > 0 ? <Notice view={view} waiting={data} /> : null
}

function Notice({ view, waiting: { host, parts } }: { view: InstanceView; waiting: InstanceWaiting }) {
  const shown = partsToShow(parts, view, useNow())
  if (shown.length === 0) return null
  const [reason, ...others] = new Set(shown.map(whyText))
  const isForAll = others.length === 0
  return (
    <Alert
      color={shown.every(({ why }) => why === 'telling') ? 'blue' : 'orange'}
      variant="light"
      icon={<IconHourglass />}
      // The whole would be read out with every tick of its times.
      role="note"
      title={<span role="status">Not everything has arrived on its host</span>}
      mt="sm"
    >
      <Stack gap="xs">
        <List size="sm" spacing={4}>
          {shown.map((part) => (
            <List.Item key={`${part.kind} ${part.thing ?? part.since}`} style={{ overflowWrap: 'anywhere' }}>
              <Text span size="sm" fw={600}>
                {partText(part)}
              </Text>
              , {part.wanted ? 'changed' : 'asked for'} <Ago iso={part.since} />.
              {!isForAll && ` ${whyText(part)}`}
              {part.detail && (
                <Text size="xs" c="dimmed">
                  {part.detail}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
        <Text size="sm">
          {isForAll && `${reason} `}Until then {shown.length === 1 ? 'this is' : 'these are'} as before.
          {host && (
            <>
              {' '}
              <Anchor
                component={Link}
                size="sm"
                c="inherit"
                underline="always"
                href={`${paths.adminHosts}?panel=${host.id}`}
              >
                Look at host {host.name}
              </Anchor>
            </>
          )}
        </Text>
      </Stack>
    </Alert>
  )
}
