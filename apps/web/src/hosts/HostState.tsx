import { Group } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { StateBadge } from '../kit/StateBadge.tsx'

/** Whether it answers, and whether it takes new instances. */
export function HostState({ host }: { host: HostView }) {
  return (
    <Group gap={4}>
      {host.state === 'up' ? (
        <StateBadge state="Up" tone="good" />
      ) : (
        <StateBadge
          state="Down"
          tone="bad"
          detail="Its agent does not answer. What runs there goes on running."
        />
      )}
      {!host.enabled && <StateBadge state="Disabled" tone="off" detail={host.disabledReason} />}
    </Group>
  )
}
