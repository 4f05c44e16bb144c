'use client'
import { Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '../kit/trpc.ts'
import { lossText } from './words.ts'

/** What becomes of the data of volumes that are to be deleted, which the setting of the cloud decides. */
export function LossText({ volumes }: { volumes: readonly VolumeView[] }) {
  const trpc = useTRPC()
  const projectId = volumes[0]?.projectId
  const { data } = useQuery(trpc.volumes.trash.summary.queryOptions({ projectId }))
  return <Text size="sm">{data ? lossText(volumes, data.minutes) : ' '}</Text>
}
