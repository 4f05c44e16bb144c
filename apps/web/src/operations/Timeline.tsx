'use client'
import { Alert, Loader, Text, VisuallyHidden } from '@mantine/core'
import type { OperationView, StepView } from '@stratolith/api/kernel/contract'
import { IconAlertTriangle, IconArrowBackUp, IconCheck, IconCircleDashed, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { seconds } from '../kit/format.ts'
import { useNow } from '../kit/use-now.ts'
import classes from './Timeline.module.css'
import { durationMs, totalMs } from './words.ts'

const looks: Record<StepView['state'], { icon: ReactNode; text: string }> = {
  pending: { icon: <IconCircleDashed size={16} />, text: 'to come' },
  running: { icon: <Loader size={14} aria-hidden />, text: 'running' },
  done: { icon: <IconCheck size={16} />, text: 'done' },
  failed: { icon: <IconX size={16} />, text: 'failed' },
  undone: { icon: <IconArrowBackUp size={16} />, text: 'undone' },
}

/** Every step of an operation with its seconds, future steps included; a failed step says why. */
export function Timeline({ operation }: { operation: OperationView }) {
  const now = useNow()
  const times = operation.steps.map((step) => durationMs(step, now))
  const longest = Math.max(1, ...times.map((time) => time ?? 0))
  const total = totalMs(operation, now)
  return (
    <div>
      {operation.steps.length > 0 && (
        <ol className={classes.steps} aria-label="Steps">
          {operation.steps.map((step, index) => (
            <Step key={step.index} step={step} time={times[index] ?? null} longest={longest} />
          ))}
        </ol>
      )}
      {total !== null && (
        <div className={classes.total}>
          <Text size="sm" fw={600}>
            {operation.finishedAt === null ? 'So far' : 'In all'}
          </Text>
          <Text size="sm" fw={600} className={classes.time}>
            {seconds(total)}
          </Text>
        </div>
      )}
      {operation.errorMessage && (
        <Alert
          mt="sm"
          color="bad"
          variant="light"
          icon={<IconAlertTriangle />}
          title={operation.errorMessage}
        >
          {operation.requestId && `Request ${operation.requestId}`}
        </Alert>
      )}
    </div>
  )
}

function Step({ step, time, longest }: { step: StepView; time: number | null; longest: number }) {
  const { icon, text } = looks[step.state]
  return (
    <li className={classes.step} data-state={step.state}>
      <span className={classes.icon} aria-hidden>
        {icon}
      </span>
      <div className={classes.words}>
        <Text size="sm" fw={step.state === 'running' ? 600 : 400}>
          {step.title || step.name}
          <VisuallyHidden>, {text}</VisuallyHidden>
        </Text>
        {step.progress && (step.state === 'running' || step.state === 'done') && (
          <Text size="xs" c="dimmed">
            {step.progress}
          </Text>
        )}
        {step.error && (
          <Text size="xs" c="var(--mantine-color-bad-text)">
            {step.error}
          </Text>
        )}
        <span className={classes.bar} style={{ width: `${((time ?? 0) / longest) * 100}%` }} />
      </div>
      <Text size="sm" c="dimmed" className={classes.time}>
        {time === null ? '' : seconds(time)}
      </Text>
    </li>
  )
}
