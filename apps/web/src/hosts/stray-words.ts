import type { StrayKind, StrayView, TrashView, UnknownTime } from '@stratolith/api/hosts/contract'

/** The kinds of things on hosts, in plain words. */
export const strayWords: Record<StrayKind, { noun: string; plural: string }> = {
  guest: { noun: 'Guest', plural: 'Guests' },
  disk: { noun: 'Disk', plural: 'Disks' },
  volume: { noun: 'Volume', plural: 'Volumes' },
  volumeSnapshot: { noun: 'Volume snapshot', plural: 'Volume snapshots' },
  port: { noun: 'Port', plural: 'Ports' },
  network: { noun: 'Network', plural: 'Networks' },
  router: { noun: 'Router', plural: 'Routers' },
  addressSet: { noun: 'Security group', plural: 'Security groups' },
  blob: { noun: 'Image bytes', plural: 'Image bytes' },
}

/** The name of a guest; other things have only an id. */
export const strayName = ({ name, thing }: Pick<StrayView, 'name' | 'thing'>): string => name ?? thing

/** The name of a disk in the trash: that of its guest, when the guest is known. */
export const trashName = ({ guest, thing }: Pick<TrashView, 'guest' | 'thing'>): string =>
  guest ? `disk of ${guest.name}` : thing

/** For example "of project demo", or the id of a project that does not exist. */
export const strayProject = ({ project }: Pick<StrayView, 'project'>): string | null =>
  project && `of project ${project.name ?? project.id}`

const quoted = (names: readonly string[]): string => names.map((name) => `“${name}”`).join(', ')

/** The security groups that an adopted guest will be in, as far as its host knows them. */
export const groupsText = ({ securityGroups }: Pick<StrayView, 'securityGroups'>): string =>
  securityGroups.length === 0
    ? 'It gets the project’s default security group.'
    : `It was in the security ${securityGroups.length === 1 ? 'group' : 'groups'} ${quoted(securityGroups)}: it gets those that the project has under these names, or its default group when there is none.`

export const adoptedText = (made: { name: string; securityGroups: string[] }): string =>
  `${made.name} is an instance again, in ${made.securityGroups.length === 1 ? 'the security group' : 'the security groups'} ${quoted(made.securityGroups)}`

export const placeName = (host: { name: string } | null): string => host?.name ?? 'Image store'

const daysText = (days: number): string => (days === 1 ? 'one day' : `${days} days`)

/** One sentence that says when unknown things are removed. */
export const fateText = ({ days, setting }: UnknownTime): string =>
  `What is unknown goes on as it is for ${daysText(days)} (${setting}) in which its host answers, or for good once you keep it; then it is removed, and a disk or an image’s bytes wait in the trash for ${daysText(days)} more.`

/** What removing things of these kinds does, and what can be put back. */
export const removalText = (kinds: ReadonlySet<StrayKind>): string =>
  [
    ...(kinds.has('guest')
      ? [
          'A guest is switched off and goes with its ports. Its disks wait in the trash, with what its host knows of it: put back from there, it is a stopped guest that can be adopted. What it had in memory is lost.',
        ]
      : []),
    ...(kinds.has('disk')
      ? ['A disk waits in the trash. Put back without a guest, it is an unknown disk that can be kept.']
      : []),
    ...(kinds.has('blob') ? ['Image bytes wait in the trash and can be put back from there.'] : []),
    ...([...kinds].some((kind) => !['guest', 'disk', 'blob'].includes(kind))
      ? [
          'Volumes, snapshots, ports, networks, routers and security groups are gone from their host at once and for good.',
        ]
      : []),
  ].join(' ')

/** What putting the thing back gives. */
export function putBackText({
  kind,
  guest,
  host,
  thing,
}: Pick<TrashView, 'kind' | 'guest' | 'host' | 'thing'>) {
  if (kind === 'blob') return 'The bytes are unknown again and can be adopted as an image.'
  if (guest) return `${guest.name} is an unknown guest again, stopped, and can be adopted.`
  return `It is an unknown disk again: nobody has kept what its guest was like, so it can be kept and not adopted. Its bytes are the file disk-${thing}.qcow2 in the data folder of host ${host?.name}, below instances.`
}

const decisions: Record<string, string> = {
  remove: 'Removed the unknown',
  keep: 'Kept the unknown',
  wait: 'Let the time run of the unknown',
  adopt: 'Adopted the unknown',
  takeBack: 'Put back from the trash the',
}

/** The sentence of a host's event about unknown things; null when the event is about something else. */
export function strayEvent(data: Record<string, unknown>): string | null {
  const text = (key: string) => (typeof data[key] === 'string' ? data[key] : '')
  const words = (kind: string) => strayWords[kind as StrayKind] ?? { noun: kind, plural: kind }
  const decided = decisions[text('decided')]
  if (decided) {
    const where = text('host') ? `host ${text('host')}` : 'the image store'
    return `${decided} ${words(text('kind')).noun.toLowerCase()} ${text('name') || text('thing').slice(0, 8)} of ${where}`
  }
  const many = (kind: string) => {
    const { noun, plural } = words(kind)
    return `${data.count} ${(data.count === 1 ? noun : plural).toLowerCase()}`
  }
  if (text('removed')) return `Took away ${many(text('removed'))}`
  if (text('unknown')) return `Found ${many(text('unknown'))} that no row knows`
  if (text('brake')) return `Held up the removal of ${many(text('brake'))}`
  if (text('released')) return `Let go the removal of ${many(text('released'))}`
  return null
}
