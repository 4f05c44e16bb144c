'use client'
import { Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useLook } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { percentOf } from './backups/words.ts'

/** How far the copy is that a running operation of this thing makes; nothing when none runs. */
export function CopyProgress({
  resourceId,
  projectId,
  label,
}: {
  resourceId: string
  projectId: string
  label: string
}) {
  const trpc = useTRPC()
  const { allProjects } = useLook(projectId)
  const { data } = useQuery(trpc.operations.list.queryOptions({ resourceId, allProjects, limit: 1 }))
  const step = data?.items[0]?.steps.find(({ state }) => state === 'running')
  if (!step) return null
  const percent = percentOf(step.progress)
  return (
    <Stack gap={4}>
      <Progress value={percent ?? 0} color="busy" aria-label={label} />
      <Text size="sm" c="dimmed">
        {percent === null ? (step.progress ?? step.title) : `${percent} %`}
      </Text>
    </Stack>
  )
}
