import type { InstanceView } from '@stratolith/api/compute/contract'

/** Returns the reason why no guest answers at port 22, whatever the network lets through; null: the guest runs. */
export function notRunning({ vmState }: Pick<InstanceView, 'vmState'>): string | null {
  if (vmState === 'active') return null
  if (vmState === 'building') return 'It is being built: SSH answers when the guest has booted.'
  if (vmState === 'paused') return 'It is paused: SSH answers when it is resumed.'
  return vmState === 'stopped'
    ? 'It is stopped: SSH answers when it has been started.'
    : 'It is in error: SSH answers when it runs again.'
}
