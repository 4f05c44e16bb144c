import type { VolumeLimits } from '@stratolith/drivers/hypervisor/interface'
import type { QosConsumer } from './contract.ts'

/** The speed limits of volumes, in the words of OpenStack's QoS specs. Without zod, so that pages load little. */

const subjects = ['total', 'read', 'write'] as const
const amounts = ['bytes', 'iops'] as const
type Amount = (typeof amounts)[number]
type Subject = (typeof subjects)[number]
type Base = `${Subject}_${Amount}_sec`

export const qosConsumers = ['front-end', 'back-end', 'both'] as const
/** The bounds that a volume can have, each per second. */
export const qosBases: readonly Base[] = amounts.flatMap((amount) =>
  subjects.map((subject): Base => `${subject}_${amount}_sec`),
)
const ends = ['', '_max', '_per_gb', '_per_gb_min'] as const
const operationSize = 'size_iops_sec'
/** All keys that have a meaning for the guest's QEMU. Others are kept as notes. */
export const qosKeys: readonly string[] = [
  ...qosBases.flatMap((base) => ends.map((end) => base + end)),
  operationSize,
]
/** QEMU takes no larger number. */
const most = 1e15
/** The largest size of a volume, in GiB. With it every limit stays within QEMU's bounds. */
const mostGib = 65_536

type Specs = Readonly<Record<string, string>>
const numberOf = (specs: Specs, key: string): number =>
  Object.hasOwn(specs, key) ? Number(specs[key]) || 0 : 0

/** Whether the guest's QEMU carries the specs out. A back-end would be the storage, and no storage of this cloud does. */
export const isCarriedOut = (consumer: QosConsumer): boolean => consumer !== 'back-end'

/** The limits of a volume of that size, as Cinder reckons them: a limit per GB replaces the plain one. Zeros are no limits. */
export function limitsOf(specs: Specs, sizeGib: number): VolumeLimits {
  const limits: VolumeLimits = {}
  for (const amount of amounts)
    for (const subject of subjects) {
      const base: Base = `${subject}_${amount}_sec`
      const [perGb, max] = [numberOf(specs, `${base}_per_gb`), numberOf(specs, `${base}_max`)]
      const scaled = Math.max(perGb * sizeGib, numberOf(specs, `${base}_per_gb_min`))
      // For a scaled limit, Cinder's “max” is the most that it can become; for a plain one it is a short burst.
      const limit = perGb > 0 ? (max > 0 ? Math.min(scaled, max) : scaled) : numberOf(specs, base)
      if (limit === 0) continue
      limits[limitName(subject, amount)] = limit
      if (perGb === 0 && max > 0) limits[`${limitName(subject, amount)}Max`] = max
    }
  const size = numberOf(specs, operationSize)
  return size > 0 && hasLimit(limits, 'iops') ? { ...limits, iopsSize: size } : limits
}

type LimitName = `${'bps' | 'iops'}${'Total' | 'Read' | 'Write'}`
const names = { total: 'Total', read: 'Read', write: 'Write' } as const
const limitName = (subject: Subject, amount: Amount): LimitName =>
  `${amount === 'bytes' ? 'bps' : 'iops'}${names[subject]}`
const hasLimit = (limits: VolumeLimits, amount: 'bps' | 'iops'): boolean =>
  limits[`${amount}Total`] !== undefined ||
  limits[`${amount}Read`] !== undefined ||
  limits[`${amount}Write`] !== undefined

/** The sentence why the guest's QEMU could not carry these specs out; null when it can. */
export function whyNoLimits(specs: Specs): string | null {
  for (const key of qosKeys) {
    const value = Object.hasOwn(specs, key) ? specs[key] : undefined
    if (value !== undefined && (!/^\d{1,16}$/.test(value) || Number(value) > most))
      return `${key} is a whole number from 0 to ${most}.`
    if (key.includes('_per_gb') && Number(value ?? 0) * mostGib > most)
      return `${key} is at most ${Math.floor(most / mostGib)}.`
  }
  for (const amount of amounts) {
    const has = (subject: Subject) => isSet(specs, `${subject}_${amount}_sec`)
    if (has('total') && (has('read') || has('write')))
      return `Either total_${amount}_sec limits the volume, or read_${amount}_sec and write_${amount}_sec do.`
  }
  for (const base of qosBases) {
    const [plain, max] = [numberOf(specs, base), numberOf(specs, `${base}_max`)]
    if (max > 0 && !isSet(specs, base)) return `${base}_max needs ${base}.`
    if (max > 0 && numberOf(specs, `${base}_per_gb`) === 0 && max < plain)
      return `${base}_max is at least ${base}.`
    if (numberOf(specs, `${base}_per_gb_min`) > 0 && numberOf(specs, `${base}_per_gb`) === 0)
      return `${base}_per_gb_min needs ${base}_per_gb.`
  }
  if (numberOf(specs, operationSize) > 0 && !subjects.some((subject) => isSet(specs, `${subject}_iops_sec`)))
    return `${operationSize} needs a limit of operations, such as total_iops_sec.`
  return null
}
const isSet = (specs: Specs, base: Base): boolean =>
  numberOf(specs, base) > 0 || numberOf(specs, `${base}_per_gb`) > 0
