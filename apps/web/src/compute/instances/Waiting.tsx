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

/** That a host has confirmed is told by no event. */
const lookAgainMs = 3_000

/** The parts that somebody should read of, and the host, for administrators. */
export function useWaiting(view: Pick<InstanceView, 'id' | 'taskState'>) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.compute.instances.waiting.queryOptions({ id: view.id }),
    refetchInterval: ({ state }) => (state.data?.parts.length ? lookAgainMs : false),
  })
  return { host: data?.host ?? null, shown: partsToShow(data?.parts ?? [], view, useNow()) }
}

/** Which parts of it its host has not confirmed, why and since when; nothing when all has arrived. */
export function Waiting({ view }: { view: InstanceView }) {
  const { host, shown } = useWaiting(view)
  return (
    <>
      {/* Before there is anything to say: what comes together with its text is often not read out. */}
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
      color={shown.every(isUnderWay) ? 'blue' : 'orange'}
      variant="light"
      icon={<IconHourglass />}
      // The whole would be read out with every tick of its times.
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
