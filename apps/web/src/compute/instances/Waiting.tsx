'use client'
import { Alert, Anchor, List, Stack, Text, VisuallyHidden } from '@mantine/core'
import type { InstanceView, InstanceWaiting, WaitingPart } from '@stratolith/api/compute/contract'
import { IconHourglass } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Ago } from '../../kit/Ago.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useNow } from '../../kit/use-now.ts'
import { isUnderWay, partsToShow, partText, whyText } from './waiting-words.ts'

/** No event tells that a host has confirmed, so the page asks at this interval. */
const lookAgainMs = 3_000

/** Returns the parts that a person should read about, and (for administrators) the host. */
export function useWaiting(view: Pick<InstanceView, 'id' | 'taskState'>) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.compute.instances.waiting.queryOptions({ id: view.id }),
    refetchInterval: ({ state }) => (state.data?.parts.length ? lookAgainMs : false),
  })
  return { host: data?.host ?? null, shown: partsToShow(data?.parts ?? [], view, useNow()) }
}

/**
 * Shows which parts of the instance its host has not confirmed, why, and since when; shows nothing when all are
 * confirmed.
 */
export function Waiting({ view }: { view: InstanceView }) {
  const { host, shown } = useWaiting(view)
  return (
    <>
      {/* The element is there before it has a text: screen readers often skip an element that appears together with its
          text. */}
      <VisuallyHidden role="status">{shown.length > 0 && title}</VisuallyHidden>
      {shown.length > 0 && <Notice host={host} shown={shown} />}
    </>
  )
}

const title = 'Not everything has arrived on its host'

function Notice({ host, shown }: { host: InstanceWaiting['host']; shown: WaitingPart[] }) {
  const [reason, ...others] = new Set(shown.map(whyText))
  const isForAll = others.length === 0
  return (
    <Alert
      color={shown.every(isUnderWay) ? 'busy' : 'warn'}
      variant="light"
      icon={<IconHourglass />}
      // As a status the whole box would be read out whenever its times change.
      role="note"
      title={title}
      mt="sm"
    >
      <Stack gap="xs">
        <List size="sm" spacing={4}>
          {shown.map((part) => (
            <List.Item key={`${part.kind} ${part.thing ?? part.since}`} style={{ overflowWrap: 'anywhere' }}>
              <Text span size="sm" fw={600}>
                {partText(part)}
              </Text>
              , {part.wanted ? 'changed' : 'asked for'} <Ago iso={part.since} />
              {part.why === 'refused' && <ToldAgain at={part.nextTryAt} />}.{!isForAll && ` ${whyText(part)}`}
              {part.detail && (
                <Text size="xs" c="dimmed">
                  {part.detail}
                </Text>
              )}
            </List.Item>
          ))}
        </List>
        <Text size="sm">
          {isForAll && `${reason} `}Until then it may not work as shown.
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

function ToldAgain({ at }: { at: string | null }) {
  const now = useNow()
  const isSoon = at === null || now === null || Date.parse(at) <= now
  return <>, told again {isSoon ? 'in a moment' : <Ago iso={at} />}</>
}
