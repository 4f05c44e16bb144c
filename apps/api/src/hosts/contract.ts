import { z } from 'zod'

export type HostView = {
  id: string
  name: string
  zone: string
  state: 'up' | 'down'
  enabled: boolean
  disabledReason: string | null
  accelerator: string
  acceleratorReason: string | null
  hypervisor: string
  cpuModel: string
  vcpus: { used: number; total: number }
  memoryMib: { used: number; total: number }
  diskGib: { used: number; total: number }
  instances: number
  lastSeenAt: string | null
}
export const hostUpdateInput = z.object({
  id: z.uuid(),
  enabled: z.boolean(),
  reason: z.string().max(255).optional(),
})
