import type { OperationView } from '@stratolith/api/kernel/contract'
import { percentOf } from './backups/words.ts'

/**
 * How far a long copy is: its operation has its turn after others, goes on, or ends before its end. `text` says that beside the
 * bar; `percent` null: nobody knows how much is done.
 */
export type Copy = { stage: 'waits' | 'goes' | 'stops'; percent: number | null; text: string }

/** What an operation says of the copy that it makes; null when it is over or not known. */
export function copyOf(operation: Pick<OperationView, 'state' | 'steps'> | undefined): Copy | null {
  if (operation?.state === 'queued')
    return { stage: 'waits', percent: null, text: 'It waits for other operations and begins by itself.' }
  if (operation?.state === 'undoing')
    return { stage: 'stops', percent: null, text: 'What was copied is being removed.' }
  const step = operation?.steps.find(({ state }) => state === 'running')
  if (operation?.state !== 'running' || !step) return null
  const percent = percentOf(step.progress)
  return { stage: 'goes', percent, text: percent === null ? (step.progress ?? step.title) : `${percent} %` }
}

/** The copy that the newest operation of a thing makes, among those in which the thing takes part. */
export const copyAmong = (
  operations: readonly Pick<OperationView, 'resourceId' | 'state' | 'steps'>[],
  id: string,
): Copy | null => copyOf(operations.find(({ resourceId }) => resourceId === id))

/** The word of a list for the state of what is being copied: "Moving 43 %". */
export function copyState(word: string, copy: Copy | null): string {
  if (copy === null) return word
  const words = { waits: 'Waiting', stops: 'Stopping', goes: word }
  return copy.percent === null ? words[copy.stage] : `${word} ${copy.percent} %`
}
