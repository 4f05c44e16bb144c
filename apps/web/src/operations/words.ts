import type { OperationView } from '@stratolith/api/kernel/contract'
import type { KindWords } from '../kit/room.ts'
import type { Tone } from '../kit/StateBadge.tsx'
import { kinds } from '../rooms.ts'

/** The names of kinds that have operations. */
export const kindWords: Record<string, string> = wordsOf(([, kind]) => kind.eventsOnly !== true)
const eventKindWords = wordsOf(() => true)
export const auditKinds = Object.entries(eventKindWords)

function wordsOf(which: (entry: [string, KindWords]) => boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(kinds)
      .filter(which)
      .flatMap(([name, { words }]) => (words === undefined ? [] : [[name, words]])),
  )
}

const verbs: Record<string, string> = { apply: 'setUp' }

/** "instance.create" → "Create instance"; "securityGroup.addRule" → "Add rule: security group". */
export function operationTitle({ action }: Pick<OperationView, 'action'>): string {
  const [kind = '', verb = ''] = action.split('.')
  const title = kinds[kind]?.titles?.[verb]
  if (title) return title
  const words = (verbs[verb] ?? verb)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]/g, ' ')
    .toLowerCase()
  const noun = kindWords[kind] ?? kind
  // “Set up floating IP”, and “Add rule: security group”.
  const sentence = / (?!up$)/.test(words) ? `${words}: ${noun}` : `${words} ${noun}`
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

const eventTitles: Record<string, string> = {
  'session.started': 'Signed in',
  'session.ended': 'Rights taken back',
}

/** The title of an event: "Instance created", "Instance password read"; for an operation, the title of its action. */
export function eventTitle({ kind, data }: { kind: string; data: Record<string, unknown> }): string {
  const title = eventTitles[kind]
  if (title) return title
  if (typeof data.action === 'string') return operationTitle({ action: data.action })
  const [noun = '', verb = ''] = kind.split('.')
  const sentence = `${eventKindWords[noun] ?? noun} ${verb.replaceAll('-', ' ')}`
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

/**
 * What the end of a long operation says about its resource, for example "is deleted". Null when the beginning said
 * everything already.
 */
export function endOf(action: string): string | null {
  const [kind = '', verb = ''] = action.split('.')
  return kinds[kind]?.ends?.[verb] ?? (verb === 'delete' ? 'is deleted' : null)
}

/** The end as a sentence with the name of the resource, for example: “web” runs. */
export function endText({
  action,
  resourceName,
}: Pick<OperationView, 'action' | 'resourceName'>): string | null {
  const end = endOf(action)
  return end === null || resourceName === '' ? null : `“${resourceName}” ${end}`
}

export const stateWords: Record<OperationView['state'], { text: string; tone: Tone }> = {
  queued: { text: 'Queued', tone: 'busy' },
  running: { text: 'Running', tone: 'busy' },
  undoing: { text: 'Undoing', tone: 'busy' },
  succeeded: { text: 'Done', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
}

/** The page of the resource of an operation or event; null when its kind has none, or the resource is deleted. */
export function resourcePath({
  resourceKind,
  resourceId,
  resourceDeleted,
}: Pick<OperationView, 'resourceKind' | 'resourceId' | 'resourceDeleted'>): string | null {
  if (resourceDeleted) return null
  return kinds[resourceKind]?.path?.(resourceId) ?? null
}

/** How long an operation takes: no step is longer, although the clocks of the two differ a little. */
export function totalMs(
  operation: Pick<OperationView, 'startedAt' | 'finishedAt' | 'steps'>,
  now: number | null,
) {
  const total = durationMs(operation, now)
  return total === null ? null : Math.max(total, ...operation.steps.map((step) => durationMs(step, now) ?? 0))
}

/** How many milliseconds an operation or step took, or has taken up to `now`; null before it began. */
export function durationMs(
  item: { startedAt: string | null; finishedAt: string | null },
  now: number | null,
): number | null {
  if (item.startedAt === null) return null
  const end = item.finishedAt === null ? now : Date.parse(item.finishedAt)
  return end === null ? null : Math.max(0, end - Date.parse(item.startedAt))
}
