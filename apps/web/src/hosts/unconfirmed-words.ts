import type { HostView, UnconfirmedView } from '@stratolith/api/hosts/contract'
import { hearing } from '@stratolith/api/hosts/states'
import { paths } from '../kit/paths.ts'

/** The kinds of documents that hosts are told, in plain words. */
export const documentNouns: Record<UnconfirmedView['kind'], string> = {
  network: 'Network',
  router: 'Router',
  addressSet: 'Members of the security group',
  port: 'Port',
  instance: 'Instance',
}

/** The name of the thing; the beginning of its id when no name is known any more. */
export const unconfirmedName = ({ name, thing }: Pick<UnconfirmedView, 'name' | 'thing'>): string =>
  name ?? thing.slice(0, 8)

/** For example "Port of web, project demo: to be made or changed". */
export function unconfirmedText({
  kind,
  instance,
  project,
  wanted,
  isThere,
}: Pick<UnconfirmedView, 'kind' | 'instance' | 'project' | 'wanted' | 'isThere'>): string {
  const whose = [
    `${documentNouns[kind]}${instance ? ` of ${instance.name}` : ''}`,
    ...(project ? [`project ${project.name ?? project.id}`] : []),
  ]
  // A shared thing still exists, but this host does not need it any more.
  const isShared = kind !== 'instance' && kind !== 'port'
  const gone = isThere && isShared ? 'not needed here any more' : 'to be gone'
  return `${whose.join(', ')}: ${wanted ? 'to be made or changed' : gone}`
}

/** The page of the thing, or of the instance that it belongs to; null when it is gone. */
export function unconfirmedPath({
  kind,
  thing,
  instance,
  isThere,
}: Pick<UnconfirmedView, 'kind' | 'thing' | 'instance' | 'isThere'>): string | null {
  if (!isThere) return null
  switch (kind) {
    case 'network':
      return paths.network(thing)
    case 'router':
      return paths.router(thing)
    case 'addressSet':
      return paths.securityGroup(thing)
    case 'port':
      return instance && paths.instance(instance.id, 'interfaces')
    case 'instance':
      return paths.instance(thing)
  }
}

/** When the host is told again: a time, or words. `now` is in milliseconds, and null before it is known. */
export function nextTry(
  { wanted, nextTryAt }: Pick<UnconfirmedView, 'wanted' | 'nextTryAt'>,
  host: Pick<HostView, 'state' | 'answers'>,
  now: number | null,
): { at: string } | { text: string } {
  const heard = hearing(host, { wanted })
  if (heard === 'fenced') return { text: 'when the fencing is taken back' }
  if (heard === 'silent') return { text: 'when it answers' }
  if (nextTryAt === null || (now !== null && Date.parse(nextTryAt) <= now)) return { text: 'next delivery' }
  return { at: nextTryAt }
}

/**
 * The number of unconfirmed things in words. It is rounded, because screen readers read every new text; "" when there
 * are none.
 */
export function waitingText(total: number): string {
  if (total === 0) return ''
  if (total === 1) return 'One thing is not as it should be there yet.'
  const step = 10 ** Math.floor(Math.log10(total))
  const atLeast = number(Math.floor(total / step) * step)
  return `${total < 10 ? total : `At least ${atLeast}`} things are not as they should be there yet.`
}

const number = (count: number): string => count.toLocaleString('en')

/** For example "3 changes not confirmed". */
export const countText = (count: number): string =>
  `${number(count)} ${count === 1 ? 'change' : 'changes'} not confirmed`

/** For example "20 of 30,000 are shown". */
export const shownText = (shown: number, total: number): string =>
  `${number(shown)} of ${number(total)} ${shown === 1 ? 'is' : 'are'} shown`

/** The message after an administrator has asked to tell a host again. */
export const toldText = (name: string, told: number): string =>
  told === 0
    ? `${name} is being told already`
    : `Telling ${name} again: ${number(told)} ${told === 1 ? 'change' : 'changes'}`
