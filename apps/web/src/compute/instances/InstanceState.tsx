'use client'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { seconds } from '../../kit/format.ts'
import { StateBadge } from '../../kit/StateBadge.tsx'
import { useNow } from '../../kit/use-now.ts'
import { stateOf } from './state.ts'

/** State and, while something runs, since when and at which step: "Building · 3.1 s", step on hover. */
export function InstanceState({ view }: { view: InstanceView }) {
  const { state, tone } = stateOf(view)
  if (view.activity) return <Busy state={state} activity={view.activity} />
  return <StateBadge state={state} tone={tone} detail={view.fault?.message} />
}

/** Apart, so that only rows in motion listen to the clock. */
function Busy({ state, activity }: { state: string; activity: NonNullable<InstanceView['activity']> }) {
  const now = useNow()
  const since =
    now === null ? '' : ` · ${seconds(Math.floor((now - Date.parse(activity.startedAt)) / 1000) * 1000)}`
  return <StateBadge state={`${state}${since}`} tone="busy" detail={activity.title} />
}
