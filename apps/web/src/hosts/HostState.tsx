import { Group } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { StateBadge } from '../kit/StateBadge.tsx'
import { hostAdvice, hostStateWords } from './host-words.ts'

/** Whether the host answers, and whether it takes new instances. */
export function HostState({ host }: { host: HostView }) {
  const { label, tone } = hostStateWords[host.state]
  return (
    <Group gap={4}>
      <StateBadge state={label} tone={tone} detail={hostAdvice(host)} />
      {!host.enabled && <StateBadge state="Disabled" tone="off" detail={host.disabledReason} />}
    </Group>
  )
}
