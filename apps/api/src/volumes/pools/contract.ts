import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { poolAccessInput, poolPlaceInput } from './drivers.ts'

export type { PoolPlace } from './drivers.ts'

/** The part of a pool's name behind the @. */
const shortName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'A name has letters, digits, and . _ - between them.')
  .refine((name) => name !== 'local', 'The disk of each machine has the name local.')
const capacityGib = z.number().int().min(1, 'A pool has at least 1 GiB.').max(100_000_000)
const overcommit = z.number().min(1, 'At least 1: all of the room can be promised.').max(100)

export const poolInput = z.object({ name: z.string().min(1).max(255) })
export const poolCreateInput = z.object({
  name: shortName,
  description: descriptionInput.default(''),
  place: poolPlaceInput,
  /** The machine that alone reaches the pool; absent: several machines reach it. */
  hostId: z.uuid().optional(),
  /** The zone whose machines reach a shared pool; absent: all machines do. */
  zone: z.string().min(1).max(255).optional(),
  /** Absent: as much as the place has now. */
  capacityGib: capacityGib.optional(),
  overcommit: overcommit.default(1),
})
/** `name`: the present name of the pool; `shortName`: the new part behind the @. */
export const poolUpdateInput = poolInput.extend({
  shortName: shortName.optional(),
  description: descriptionInput.optional(),
  enabled: z.boolean().optional(),
  /** Why it is closed, together with `enabled`. */
  disabledReason: z
    .string()
    .max(255)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'A reason has no control characters.')
    .optional(),
  capacityGib: capacityGib.optional(),
  overcommit: overcommit.optional(),
  /** For pools in Ceph and of iSCSI: what is absent stays. */
  access: poolAccessInput.optional(),
})

/** A place where volumes are kept. Only administrators see pools. */
export type PoolView = {
  /** The same as the name. */
  id: string
  name: string
  description: string
  driver: string
  /** What a host must know to reach the pool, without secrets, such as { path }. */
  config: Record<string, string | number | boolean>
  /** The pool is the disk of a machine: it is there with the machine, and is only opened and closed. */
  isLocal: boolean
  /** Whether new volumes may lie there, as far as an administrator has a say about the pool; its machine may be closed, too. */
  enabled: boolean
  /** Why an administrator has closed it; null for no reason. */
  disabledReason: string | null
  /** OpenStack's clients have frozen it, which closes it, too. */
  frozen: boolean
  /** The machine that alone reaches the pool; null: several machines reach it. */
  host: { id: string; name: string } | null
  /** Null: machines of all zones reach the pool. */
  zone: string | null
  /** How much can be promised. */
  totalGib: number
  /** How much the pool has; less than `totalGib` when more is promised than there is. */
  capacityGib: number
  overcommit: number
  /** What is promised to all who share the pool: volumes, and on the disk of a machine instances. */
  usedGib: number
  /** What is promised to volumes and their snapshots. */
  volumesGib: number
  /** How many volumes lie there, those counted that are deleted and can be taken back. */
  volumes: number
  /** How many of them are deleted and can be taken back. */
  deletedVolumes: number
  /** Why it takes no new volumes at the moment; null when it does. */
  closed: string | null
}

/** What a machine says of a pool. */
export type PoolReach = {
  host: { id: string; name: string }
  /** Null when the machine reaches the pool. */
  problem: string | null
  /** The room that the machine sees; null when it does not reach the pool. */
  totalGib: number | null
  freeGib: number | null
}
