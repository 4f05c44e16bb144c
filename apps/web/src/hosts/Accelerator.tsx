import { Badge } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { IconBolt, IconCpu } from '@tabler/icons-react'
import { Hint } from '../ui/Hint.tsx'

/** KVM, or emulation with the reason for it. */
export function Accelerator({ host }: { host: HostView }) {
  const kvm = host.accelerator.toLowerCase() === 'kvm'
  const badge = (
    <Badge
      variant="light"
      color={kvm ? 'good' : 'warn'}
      tt="none"
      leftSection={kvm ? <IconBolt size={12} /> : <IconCpu size={12} />}
    >
      {kvm ? 'KVM' : 'Emulated'}
    </Badge>
  )
  return host.acceleratorReason ? <Hint label={host.acceleratorReason}>{badge}</Hint> : badge
}
