import { DriverError } from '../errors.ts'

/**
 * Versions of the protocol that this build speaks. Both sides say theirs in a header of every request and answer,
 * so hosts can be upgraded one by one, before or after the control plane, for as long as there is a version in common.
 *
 * A field that is new needs no new version: whoever does not know it leaves it out, and whoever misses it has a
 * default. `newest` grows when neglecting the field would be wrong (a wish that is more open without it), and
 * `oldest` when what an older side expects has been removed.
 *
 * 1: agents that say no version; they refuse calls with fields that they do not know.
 * 2: fields that are not known are left out, versions are said.
 */
export const spoken: Versions = { oldest: 1, newest: 2 }
export const versionHeader = 'stratolith-protocol'

export type Versions = { oldest: number; newest: number }

export const versionText = ({ oldest, newest }: Versions): string => `${oldest}-${newest}`

/** What a header says. Whoever says nothing is of before there was one. */
function versionsIn(header: string | string[] | undefined): Versions | null {
  if (header === undefined) return { oldest: 1, newest: 1 }
  const [, oldest, newest] = /^(\d{1,6})-(\d{1,6})$/.exec(String(header)) ?? []
  return oldest && newest ? { oldest: Number(oldest), newest: Number(newest) } : null
}

const words = ({ oldest, newest }: Versions) =>
  oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`

type Side = 'agent' | 'control plane'
const advice: Record<Side, string> = {
  agent: 'The agent is older: upgrade Stratolith on its host, then start the agent again.',
  'control plane': 'The control plane is older: upgrade Stratolith where the api and the workers run.',
}

/**
 * Compares what `them` says in the header with what this side speaks. Raises `unavailable` (whoever waits for the
 * host tries again, and succeeds after the upgrade) when no version is common: the sentence says which side is
 * older, and what to do. `at`: where the agent is.
 */
export function checkVersions(them: Side, header: string | string[] | undefined, at = ''): void {
  const theirs = versionsIn(header)
  const [speaker, us]: [string, Side] =
    them === 'agent' ? [`The agent at ${at}`, 'control plane'] : ['The control plane', 'agent']
  if (!theirs)
    throw new DriverError('unavailable', `${speaker} says a version of the protocol that cannot be read.`)
  if (theirs.newest >= spoken.oldest && spoken.newest >= theirs.oldest) return
  const older = theirs.newest < spoken.oldest ? them : us
  throw new DriverError(
    'unavailable',
    `${speaker} speaks ${words(theirs)} of the protocol, this ${us} ${words(spoken)}. ${advice[older]}`,
  )
}
