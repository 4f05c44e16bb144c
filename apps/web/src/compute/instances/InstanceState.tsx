'use client'
import { Group } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconLock } from '@tabler/icons-react'
import { seconds } from '../../kit/format.ts'
import { StateBadge } from '../../kit/StateBadge.tsx'
import { useNow } from '../../kit/use-now.ts'
import { Hint } from '../../ui/Hint.tsx'
import { lockText } from './lock-words.ts'
import { machineMark, machineText } from './machine-words.ts'
import { stateOf } from './state.ts'

/**
 * The state and, while an operation runs, its time and step: "Building · 3.1 s", with the step on hover. When the
 * machine does not answer, the last known state is shown and marked.
 */
export function InstanceState({ view }: { view: InstanceView }) {
  const { state, tone } = stateOf(view)
  const badge = view.activity ? (
    <Busy state={state} activity={view.activity} />
  ) : (
    <StateBadge
      state={state}
      tone={view.machine && tone === 'good' ? 'off' : tone}
      detail={view.fault?.message}
    />
  )
  if (!view.machine && !view.locked) return badge
  return (
    <Group gap={4}>
      {badge}
      {view.locked && (
        <Hint label={lockText(view)}>
          <IconLock size={16} role="img" aria-label={lockText(view)} />
        </Hint>
      )}
      {view.machine && (
        <StateBadge state={machineMark(view.machine)} tone="warn" detail={machineText(view.machine)} />
      )}
    </Group>
  )
}

/** A component of its own, so that only rows with an operation listen to the clock. */
function Busy({ state, activity }: { state: string; activity: NonNullable<InstanceView['activity']> }) {
  const now = useNow()
  const whole = now === null ? 0 : Math.floor((now - Date.parse(activity.startedAt)) / 1000)
  const since = whole > 0 ? ` · ${seconds(whole * 1000)}` : ''
  return <StateBadge state={`${state}${since}`} tone="busy" detail={activity.title} />
}
