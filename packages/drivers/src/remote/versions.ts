import { DriverError } from '../errors.ts'

/**
 * Versions of the protocol that this build speaks. Both sides say theirs in a header of every request and answer,
 * consoles included, so hosts can be upgraded one by one, before or after the control plane, for as long as there is
 * a version in common. The newest common one decides what may be told: `since.ts` has the fields that an older agent
 * must not be told without knowing them.
 *
 * A field that came later has a default. While a wish has that default, the field is not sent at all. When it has
 * another value, an agent of version 2 or later leaves out what it does not know, which is right for a hint, and is
 * wrong for a wish that is more open without the field: such a field is put into `since.ts` with a new `newest`.
 * `oldest` grows when what an older side expects has been removed.
 *
 * 1: agents that say no version. Their specs are strict: they refuse a call, or the one document, with any field that
 *    they do not know, so until `oldest` is 2 a host of theirs cannot have what uses a new field, a hint neither.
 * 2: fields that are not known are left out (in a rule of a port they are refused), versions are said.
 */
export const spoken: Versions = { oldest: 1, newest: 2 }
export const versionHeader = 'stratolith-protocol'

export type Versions = { oldest: number; newest: number }

/** The newest version that both sides speak; less than their oldest ones when there is none. */
export const commonVersion = (theirs: Versions): number => Math.min(theirs.newest, spoken.newest)

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
export const advice: Record<Side, string> = {
  agent: 'The agent is older: upgrade Stratolith on its host, then start the agent again.',
  'control plane': 'The control plane is older: upgrade Stratolith where the api and the workers run.',
}

/**
 * Compares what `them` says in the header with what this side speaks. Raises `unavailable` (whoever waits for the
 * host tries again, and succeeds after the upgrade) when no version is common: the sentence says which side is
 * older, and what to do. `at`: where the agent is. Answers what they speak.
 */
export function checkVersions(them: Side, header: string | string[] | undefined, at = ''): Versions {
  const theirs = versionsIn(header)
  const [speaker, us]: [string, Side] =
    them === 'agent' ? [`The agent at ${at}`, 'control plane'] : ['The control plane', 'agent']
  if (!theirs)
    throw new DriverError('unavailable', `${speaker} says a version of the protocol that cannot be read.`)
  if (theirs.newest >= spoken.oldest && spoken.newest >= theirs.oldest) return theirs
  const older = theirs.newest < spoken.oldest ? them : us
  throw new DriverError(
    'unavailable',
    `${speaker} speaks ${words(theirs)} of the protocol, this ${us} ${words(spoken)}. ${advice[older]}`,
  )
}
