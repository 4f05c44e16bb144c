'use client'
import { Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useLook } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { type Copy, copyAmong, copyState } from './copy-words.ts'

type Of = { resourceId: string; projectId: string }

/** How far the copy is that the newest operation of a thing makes; null when that is not known. */
function useCopy({ resourceId, projectId }: Of): Copy | null {
  const trpc = useTRPC()
  const { allProjects, hidden } = useLook(projectId)
  const { data } = useQuery({
    ...trpc.operations.list.queryOptions({ resourceId, allProjects, limit: 10 }),
    enabled: !hidden,
  })
  return copyAmong(data?.items ?? [], resourceId)
}

export type CopyStateProps = Of & { word: string }
/** The state of a thing that is being copied, for a list: with the percentage, once that is known. */
export function CopyState({ word, ...of }: CopyStateProps) {
  return <StateBadge state={copyState(word, useCopy(of))} tone="busy" />
}

type About = {
  title: string
  description?: string
  label: string
  waits?: string
  stopping: string
  action?: ReactNode
}
/**
 * The part of a page about the copy that goes on. `waits`: what it means that the copy has not begun. `stopping`: the title while
 * the copy is being ended. `action`: a button that ends the copy.
 */
export function CopyProgress({
  title,
  description = 'It goes on when you leave this page.',
  label,
  waits = '',
  stopping,
  action,
  ...of
}: Of & About) {
  const copy = useCopy(of)
  const isStopping = copy?.stage === 'stops'
  return (
    <Section
      title={isStopping ? stopping : title}
      description={description}
      action={isStopping ? undefined : action}
    >
      {copy && (
        <Stack gap={4}>
          {copy.stage === 'goes' && <Progress value={copy.percent ?? 0} color="busy" aria-label={label} />}
          <Text size="sm" c="dimmed">
            {copy.stage === 'waits' ? `${copy.text} ${waits}` : copy.text}
          </Text>
        </Stack>
      )}
    </Section>
  )
}
