'use client'
import { Stack, Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { useQuery } from '@tanstack/react-query'
import { useLook } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { deletionText, volumesText } from './deletion-words.ts'

const notKnownYet = 'Volumes stay, except those that are to be deleted with their instance.'

/** What is deleted together with these instances and what stays, with the names of their volumes. */
export function DeletionText({ views }: { views: readonly InstanceView[] }) {
  const trpc = useTRPC()
  const { allProjects } = useLook(views[0]?.projectId ?? '')
  const instanceIds = views.map(({ id }) => id)
  const { data } = useQuery({
    ...trpc.volumes.leaving.queryOptions({ instanceIds, allProjects }),
    staleTime: 0,
  })
  const onVolume = views.some(({ rootOnVolume }) => rootOnVolume)
  const volumes = data ? volumesText(data, onVolume) : notKnownYet
  return (
    <Stack gap="xs">
      <Text size="sm">{deletionText(views)}</Text>
      {volumes && <Text size="sm">{volumes}</Text>}
    </Stack>
  )
}
