import { isUuid } from '../kit/paths.ts'

/** What can be done from the palette with an instance: ids of its actions, and two that lead into it. */
export const verbs = [
  ...['start', 'stop', 'reboot', 'pause', 'unpause', 'lock', 'unlock', 'delete'],
  ...['console', 'ssh'],
] as const
export type Verb = (typeof verbs)[number]

/** “stop web” is a verb and what is to be stopped; of “stop” alone everything that can be. */
export function verbIn(typed: string): { verb: Verb; rest: string } | null {
  const [first = '', ...more] = typed.trim().split(/\s+/)
  const verb = verbs.find((one) => one === first.toLowerCase())
  return verb ? { verb, rest: more.join(' ') } : null
}

/** A thing is found by its whole ID; those of projects and users have no dashes. */
export const idIn = (typed: string): string | null => {
  const word = typed.trim().toLowerCase()
  return isUuid(word) || /^[0-9a-f]{32}$/.test(word) ? word : null
}

/** The beginning of an address: only such words are looked up among addresses. */
export const isAddress = (typed: string): boolean => /^\d{1,3}(\.\d{0,3}){1,3}$/.test(typed.trim())
