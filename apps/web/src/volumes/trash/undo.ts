import type { VolumeDeleted } from '@stratolith/api/volumes/trash/contract'
import type { Undo } from '../../kit/descriptor.ts'
import { waitText } from '../words.ts'

/**
 * What the toast after a deletion offers; null when some of the data may be gone already. `named`: the things in a
 * sentence, such as “data” or 3 volumes.
 */
export function takeBackOffer(
  ids: readonly string[],
  named: string,
  answers: readonly unknown[],
  takeBack: (id: string) => Promise<unknown>,
): Undo | null {
  const untils = answers.map((answer) => (answer as VolumeDeleted).takeBackUntil)
  const until = untils[0] ?? null
  if (until === null || untils.includes(null)) return null
  const minutes = Math.max(1, Math.round((Date.parse(until) - Date.now()) / 60_000))
  return {
    text: `Deleted ${named}, which can be taken back for ${waitText(minutes)}`,
    label: 'Take back',
    run: () => Promise.all(ids.map(takeBack)),
    done: ids.length === 1 ? `${named} is back` : `${named} are back`,
  }
}
