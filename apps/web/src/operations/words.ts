import type { OperationView } from '@stratolith/api/kernel/contract'
import { paths } from '../kit/paths.ts'
import type { Tone } from '../kit/StateBadge.tsx'

/** Kinds of the event log in people's words. */
export const kindWords: Record<string, string> = {
  instance: 'instance',
  image: 'image',
  network: 'network',
  subnet: 'subnet',
  port: 'port',
  router: 'router',
  floatingIp: 'floating IP',
  securityGroup: 'security group',
  keyPair: 'key pair',
  flavor: 'flavor',
  host: 'host',
  domain: 'domain',
  project: 'project',
  user: 'user',
  group: 'group',
  role: 'role',
  serverGroup: 'server group',
  aggregate: 'aggregate',
}

/** Kinds of which there are events and no operations. */
const eventKindWords: Record<string, string> = {
  ...kindWords,
  session: 'session',
  credential: 'credential',
  applicationCredential: 'application credential',
  accessRule: 'access rule',
  trust: 'trust',
  consumer: 'program',
  requestToken: 'request of a program',
  access_token: 'access of a program',
  quota: 'quota',
  service: 'service',
  endpoint: 'endpoint',
  endpoint_group: 'group of endpoints',
  region: 'region',
  limit: 'limit',
  registered_limit: 'registered limit',
  policy: 'stored policy',
}
export const auditKinds = Object.entries(eventKindWords)

/** Where verb and kind are no sentence: what it was done to is the operation’s name. */
const titles: Record<string, string> = {
  'instance.console': 'Open a console',
  'host.removeUnknown': 'Remove what is unknown',
  'host.keepUnknown': 'Keep what is unknown',
  'host.waitUnknown': 'Let the time of what is unknown run',
  'host.tell': 'Tell host again',
  'host.takeBack': 'Put back from the trash',
  'host.releaseBrake': 'Let a removal go on',
  'host.fence': 'Declare host fenced',
  'host.unfence': 'Take the fencing of a host back',
}
const verbs: Record<string, string> = { apply: 'setUp' }

/** "instance.create" → "Create instance"; "securityGroup.addRule" → "Add rule: security group". */
export function operationTitle({ action }: Pick<OperationView, 'action'>): string {
  const title = titles[action]
  if (title) return title
  const [kind = '', verb = ''] = action.split('.')
  const words = (verbs[verb] ?? verb)
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]/g, ' ')
    .toLowerCase()
  const noun = kindWords[kind] ?? kind
  const sentence = words.includes(' ') ? `${words}: ${noun}` : `${words} ${noun}`
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

const eventTitles: Record<string, string> = {
  'session.started': 'Signed in',
  'session.ended': 'Rights taken back',
}

/** Of an event: "Instance created"; "Instance password read"; of an operation what it does. */
export function eventTitle({ kind, data }: { kind: string; data: Record<string, unknown> }): string {
  const title = eventTitles[kind]
  if (title) return title
  if (typeof data.action === 'string') return operationTitle({ action: data.action })
  const [noun = '', verb = ''] = kind.split('.')
  const sentence = `${eventKindWords[noun] ?? noun} ${verb.replaceAll('-', ' ')}`
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

const ends: Record<string, string> = {
  'instance.create': 'runs',
  'instance.start': 'runs',
  'instance.unpause': 'runs again',
  'instance.reboot': 'has been rebooted',
  'instance.stop': 'is stopped',
  'instance.pause': 'is paused',
}

/** The end of an operation that takes its time: “web” runs. Null: its beginning said all. */
export function endText({
  action,
  resourceName,
}: Pick<OperationView, 'action' | 'resourceName'>): string | null {
  const end = ends[action] ?? (action.endsWith('.delete') ? 'is deleted' : null)
  return end === null || resourceName === '' ? null : `“${resourceName}” ${end}`
}

export const stateWords: Record<OperationView['state'], { text: string; tone: Tone }> = {
  queued: { text: 'Queued', tone: 'busy' },
  running: { text: 'Running', tone: 'busy' },
  undoing: { text: 'Undoing', tone: 'busy' },
  succeeded: { text: 'Done', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
}

/** The page of what an operation worked on; null when it has none, or has gone with that operation. */
export function operationPath(operation: OperationView): string | null {
  const gone = operation.action.endsWith('.delete') && operation.state === 'succeeded'
  return gone ? null : resourcePath(operation)
}

/** The page of a resource, when its kind has pages. */
export function resourcePath({
  resourceKind,
  resourceId,
}: Pick<OperationView, 'resourceKind' | 'resourceId'>): string | null {
  const pages: Record<string, (id: string) => string> = {
    instance: paths.instance,
    image: paths.image,
    network: paths.network,
    router: paths.router,
    securityGroup: paths.securityGroup,
    domain: paths.domain,
    project: paths.project,
    user: paths.user,
    group: paths.group,
    role: paths.role,
  }
  return pages[resourceKind]?.(resourceId) ?? null
}

/** How long it took, or has taken up to `now`; null before it began. Milliseconds. */
export function durationMs(
  item: { startedAt: string | null; finishedAt: string | null },
  now: number | null,
): number | null {
  if (item.startedAt === null) return null
  const end = item.finishedAt === null ? now : Date.parse(item.finishedAt)
  return end === null ? null : Math.max(0, end - Date.parse(item.startedAt))
}
