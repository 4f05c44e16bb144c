import { DriverError } from '../errors.ts'

/**
 * The versions of the protocol that this build speaks. Both sides send their versions in a header of every request and
 * answer, consoles included. So hosts can be upgraded one by one, before or after the control plane, as long as there is
 * a version in common. The newest common version decides what may be sent: `since.ts` lists the fields that must not be
 * sent to an agent which does not know them.
 *
 * A field that is added later has a default. While it has that default, the field is not sent. When it has
 * another value, an agent of version 2 or later ignores an unknown field. That is right for a hint, and wrong for a
 * field without which the wish would allow more: such a field is put into `since.ts` with a new `newest`.
 * `oldest` grows when something that an older side expects is removed.
 *
 * 1: agents without a version header. Their schemas are strict: they refuse a call, or a single document, with any
 *    unknown field. Until `oldest` is 2, such a host can therefore not have a thing that uses a new field, not even a hint.
 * 2: unknown fields are left out (in a rule of a port they are refused), and both sides send their versions.
 * 3: instances have volumes.
 * 4: volumes have limits of their speed.
 * 5: guests reach their disks by SCSI when their image asks for that, and can share a volume; pools have places of their own.
 * 6: volumes are encrypted.
 * 7: guests have ephemeral and swap disks.
 */
export const spoken: Versions = { oldest: 1, newest: 7 }
export const versionHeader = 'stratolith-protocol'

export type Versions = { oldest: number; newest: number }

/** The newest version that both sides speak. When they have none in common, it is below the oldest version of one side. */
export const commonVersion = (theirs: Versions): number => Math.min(theirs.newest, spoken.newest)

export const versionText = ({ oldest, newest }: Versions): string => `${oldest}-${newest}`

/** Parses the header; null when it is malformed. A side without the header speaks version 1. */
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
 * Compares the header of the other side, `them`, with the versions of this side, and returns their versions. Raises
 * `unavailable` when no version is common (a caller that tries again succeeds after the upgrade); the message says
 * which side is older and what to do. `at`: the address of the agent.
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
