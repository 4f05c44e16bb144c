import { z } from 'zod'
import { pageInput } from '../kernel/contract.ts'

export const hostListInput = pageInput.extend({ sortDir: z.enum(['asc', 'desc']).default('asc') })

/** `total` is what may be given out (overcommit and reserve included), `used` what instances have claimed. */
export type HostView = {
  id: string
  name: string
  zone: string
  state: 'up' | 'down'
  enabled: boolean
  disabledReason: string | null
  accelerator: string
  acceleratorReason: string | null
  /** Null until the host's agent has told. */
  isolation: {
    users: boolean
    cgroup: 'v2' | 'v1' | 'none'
    controllers: string[]
    reason: string | null
  } | null
  hypervisor: string
  cpuModel: string
  vcpus: { used: number; total: number }
  memoryMib: { used: number; total: number }
  diskGib: { used: number; total: number }
  /** What the machine really has. */
  physical: { vcpus: number; memoryMib: number; diskGib: number }
  instances: number
  lastSeenAt: string | null
}
export const hostUpdateInput = z.object({
  id: z.uuid(),
  enabled: z.boolean(),
  reason: z.string().trim().max(255).optional(),
})
