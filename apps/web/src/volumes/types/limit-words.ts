import type { VolumeTypeView, VolumeView } from '@stratolith/api/volumes/contract'
import { limitsOf } from '@stratolith/api/volumes/types/states'
import { bytes } from '../../kit/format.ts'
import { encryptionWords } from '../words.ts'

type Limits = VolumeView['limits']
type Specs = Readonly<Record<string, string>>

const operations = (n: number): string => `${n.toLocaleString('en')} operations/s`
const throughput = (n: number): string => `${bytes(n)}/s`
const amounts = [
  { key: 'iops', spec: 'iops', words: operations },
  { key: 'bps', spec: 'bytes', words: throughput },
] as const
const subjects = [
  { key: 'Total', spec: 'total', words: '' },
  { key: 'Read', spec: 'read', words: ' read' },
  { key: 'Write', spec: 'write', words: ' written' },
] as const
/** Each limit that there can be, with its names and its words. */
const kinds = amounts.flatMap((amount) => subjects.map((subject) => ({ amount, subject })))

/** The speed limits of a volume: “500 operations/s”, “10 MiB/s read, for a moment 20 MiB/s”; none: an empty list. */
export const limitWords = (limits: Limits): string[] =>
  kinds.flatMap(({ amount, subject }) => {
    const name = `${amount.key}${subject.key}` as const
    const [limit, burst] = [limits[name], limits[`${name}Max`]]
    if (limit === undefined) return []
    const moment = burst === undefined || burst <= limit ? '' : `, for a moment ${amount.words(burst)}`
    return `${amount.words(limit)}${subject.words}${moment}`
  })

/** The speed limits of a type: those that grow with the size of the volume are said for each GiB. */
export const typeLimitWords = (specs: Specs): string[] =>
  kinds.flatMap(({ amount, subject }) => {
    const base = `${subject.spec}_${amount.spec}_sec`
    const perGib = Number(specs[`${base}_per_gb`] ?? 0)
    if (perGib === 0) {
      const own = Object.fromEntries(
        [base, `${base}_max`].flatMap((key) => (specs[key] === undefined ? [] : [[key, specs[key]]])),
      )
      return limitWords(limitsOf(own, 1))
    }
    const [least, most] = [Number(specs[`${base}_per_gb_min`] ?? 0), Number(specs[`${base}_max`] ?? 0)]
    return [
      `${amount.words(perGib)}${subject.words} for each GiB`,
      ...(least > 0 ? [`at least ${amount.words(least)}`] : []),
      ...(most > 0 ? [`at most ${amount.words(most)}`] : []),
    ].join(', ')
  })

export const noLimit = 'No limit'
/** The limits in one line, or that there are none. */
export const inOneLine = (words: readonly string[]): string => words.join('; ') || noLimit

/** What sets the volumes of a type apart, for the list of types. */
export function kindWords({
  encryption,
  multiattach,
}: Pick<VolumeTypeView, 'encryption' | 'multiattach'>): string {
  const words = [encryption !== null && 'encrypted', multiattach && 'for several instances'].filter(Boolean)
  return words.join(', ') || 'plain'
}

/** The pool, or the kind of pools, that a type names; callers who may not know pools see that the type chooses. */
export function poolWords({
  choosesPool,
  extraSpecs,
}: Pick<VolumeTypeView, 'choosesPool' | 'extraSpecs'>): string {
  if (!choosesPool) return 'any'
  return extraSpecs.pool_name || extraSpecs.volume_backend_name || 'chosen by the type'
}

type Meaning = Pick<
  VolumeTypeView,
  'description' | 'limits' | 'encryption' | 'multiattach' | 'choosesPool' | 'extraSpecs'
>
/** What a type means for a new volume of that size: its description, and what its volumes have and others have not. */
export function typeText(type: Meaning, sizeGib: number): string {
  const words = limitWords(limitsOf(type.limits, sizeGib))
  const { pool_name: pool, volume_backend_name: backend } = type.extraSpecs
  const named = pool || (backend && `a pool of ${backend}`)
  return [
    type.description.trim(),
    type.encryption !== null && `The data are encrypted (${encryptionWords(type.encryption)}).`,
    type.multiattach && 'Several instances may have the volume at the same time.',
    type.choosesPool && `The volume lies in ${named || 'a pool that the type chooses'}.`,
    words.length > 0 ? `At most ${words.join('; ')}.` : 'Its speed has no limit.',
  ]
    .filter(Boolean)
    .join(' ')
}
