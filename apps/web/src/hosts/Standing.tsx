'use client'
import { Alert, Group, Stack, Text } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { hostCan } from '@stratolith/api/hosts/states'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { confirm } from '../kit/confirm.tsx'
import { cloudError } from '../kit/errors.ts'
import { notify } from '../kit/notify.ts'
import { all, useAdminOnly } from '../kit/rights.ts'
import { invalidateKind } from '../kit/stale.ts'
import { useTRPC } from '../kit/trpc.ts'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { fencedStory, fencingQuestion, hostAdvice, hostStateWords } from './host-words.ts'

/** Says what the state of a host that is not up means, and what can be done. */
export function Standing({ host }: { host: HostView }) {
  const advice = hostAdvice(host)
  const admin = useAdminOnly()
  const { fence, unfence } = useFencing()
  if (advice === null) return null
  const isFenced = host.state === 'fenced'
  return (
    <Alert
      color={isFenced && !host.answers ? 'gray' : 'warn'}
      variant="light"
      icon={<IconPlugConnectedX />}
      title={hostStateWords[host.state].label}
    >
      <Stack gap="xs">
        {isFenced ? <FencedStory host={host} /> : <Text size="sm">{advice}</Text>}
        <Group>
          {isFenced ? (
            <ReasonButton
              size="xs"
              variant="default"
              loading={unfence.isPending}
              allowed={all(admin(), hostCan.unfence(host))}
              onClick={() => unfence.mutate({ id: host.id })}
            >
              Take the fencing back
            </ReasonButton>
          ) : (
            <ReasonButton
              size="xs"
              color="bad"
              variant="light"
              loading={fence.isPending}
              allowed={all(admin(), hostCan.fence(host))}
              onClick={async () => {
                if (await confirm({ ...fencingQuestion(host), danger: true })) fence.mutate({ id: host.id })
              }}
            >
              Declare fenced…
            </ReasonButton>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}

function FencedStory({ host }: { host: HostView }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.hosts.held.queryOptions({ id: host.id }))
  if (!data) return null
  return fencedStory(host, data.freed).map(({ title, text }) => (
    <Text key={title} size="sm">
      <Text span fw={600}>
        {title}:
      </Text>{' '}
      {text}
    </Text>
  ))
}

function useFencing() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const told = (words: (host: HostView) => string) => ({
    onSuccess(host: HostView) {
      invalidateKind(client, 'host')
      notify.done(words(host))
    },
    onError: (error: unknown) => notify.failed(cloudError(error)),
  })
  return {
    fence: useMutation(trpc.hosts.fence.mutationOptions(told(({ name }) => `${name} is declared fenced`))),
    unfence: useMutation(
      trpc.hosts.unfence.mutationOptions(told(({ name }) => `${name} is up when it answers`)),
    ),
  }
}
