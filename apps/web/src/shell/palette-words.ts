/** The verbs of the palette for instances: IDs of their actions, and two verbs that open a way into the instance. */
export const verbs = [
  ...['start', 'stop', 'reboot', 'pause', 'unpause', 'lock', 'unlock', 'delete'],
  ...['console', 'ssh'],
] as const
export type Verb = (typeof verbs)[number]

/** Reads “stop web” as a verb and the name to look for; “stop” alone stands for every instance that can be stopped. */
export function verbIn(typed: string): { verb: Verb; rest: string } | null {
  const [first = '', ...more] = typed.trim().split(/\s+/)
  const verb = verbs.find((one) => one === first.toLowerCase())
  return verb ? { verb, rest: more.join(' ') } : null
}

/** Answers whether the text may be the beginning of an address; only such texts are looked up among addresses. */
export const isAddress = (typed: string): boolean => /^\d{1,3}(\.\d{0,3}){1,3}$/.test(typed.trim())
