import type { HostView } from '@stratolith/api/hosts/contract'
import { StateBadge } from '../kit/StateBadge.tsx'

/** KVM, or emulation with the reason for it. */
export function Accelerator({ host }: { host: HostView }) {
  const kvm = host.accelerator.toLowerCase() === 'kvm'
  return (
    <StateBadge
      state={kvm ? 'KVM' : 'Emulated'}
      tone={kvm ? 'good' : 'warn'}
      detail={host.acceleratorReason}
    />
  )
}
