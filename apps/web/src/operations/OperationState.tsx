'use client'
import { Group, Text } from '@mantine/core'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { seconds } from '../kit/format.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useNow } from '../kit/use-now.ts'
import { durationMs, stateWords } from './words.ts'

/** The state of an operation; while the operation runs, also its step and its seconds. */
export function OperationState({ operation }: { operation: OperationView }) {
  const { text, tone } = stateWords[operation.state]
  const step = operation.steps.find(({ state }) => state === 'running')
  return (
    <Group gap={6}>
      <StateBadge state={text} tone={tone} detail={operation.errorMessage} />
      {step && operation.state !== 'failed' && (
        <Text size="xs" c="dimmed">
          {step.progress ?? step.title}
        </Text>
      )}
    </Group>
  )
}

/** The duration of an operation, which counts on while the operation runs. */
export function OperationTime({ operation }: { operation: OperationView }) {
  const now = useNow()
  const time = durationMs(operation, now)
  return <span style={{ fontVariantNumeric: 'tabular-nums' }}>{time === null ? '–' : seconds(time)}</span>
}
