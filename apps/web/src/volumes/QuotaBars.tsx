'use client'
import { Stack, Text } from '@mantine/core'
import type { QuotaView } from '@stratolith/api/kernel/contract'
import { useQuery } from '@tanstack/react-query'
import { useFormBlock } from '../kit/form-block.ts'
import { useElsewhere } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { quotaWords } from '../quota/words.ts'
import { Bar } from '../ui/Bar.tsx'
import { type Adds, addsOf, tooMuch } from './words.ts'

/** The quotas of a project to which an open form would add; absent: of the session's project. */
export function useVolumeQuotas(projectId: string | undefined, adds: Adds): QuotaView[] {
  const trpc = useTRPC()
  const elsewhere = useElsewhere(projectId ?? '') && projectId !== undefined
  const { data } = useQuery(trpc.quota.get.queryOptions(elsewhere ? { projectId } : undefined))
  return (data ?? []).filter(({ resource }) => adds[resource] !== undefined)
}

/** Shows how much of each limit is used, and how much the open form would add. */
export function QuotaBars({ quotas, adds }: { quotas: readonly QuotaView[]; adds: Adds }) {
  return quotas.map(({ resource, used, limit }) => (
    <Bar key={resource} used={used} limit={limit} adds={addsOf(adds, resource)} {...quotaWords[resource]} />
  ))
}

/** What an open form would add to the quota of a project, and the sentence when that is too much. */
export function QuotaRoom({ projectId, adds }: { projectId?: string; adds: Adds }) {
  const quotas = useVolumeQuotas(projectId, adds)
  const problem = tooMuch(quotas, adds)
  useFormBlock(problem)
  return (
    <Stack gap="sm">
      {problem && (
        <Text size="sm" c="bad" role="alert">
          {problem}
        </Text>
      )}
      <QuotaBars quotas={quotas} adds={adds} />
    </Stack>
  )
}
