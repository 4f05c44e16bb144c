import type { HostView, UnconfirmedView } from '@stratolith/api/hosts/contract'
import { hearing } from '@stratolith/api/hosts/states'
import { paths } from '../kit/paths.ts'

/** What hosts are told of, in people's words. */
export const documentNouns: Record<UnconfirmedView['kind'], string> = {
  network: 'Network',
  router: 'Router',
  addressSet: 'Members of the security group',
  port: 'Port',
  instance: 'Instance',
}

/** By its name; the beginning of its id when nobody knows that any more. */
export const unconfirmedName = ({ name, thing }: Pick<UnconfirmedView, 'name' | 'thing'>): string =>
  name ?? thing.slice(0, 8)

/** "Port of web, project demo: to be made or changed" */
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
  // One that is shared and there still: only this host does not need it any more.
  const isShared = kind !== 'instance' && kind !== 'port'
  const gone = isThere && isShared ? 'not needed here any more' : 'to be gone'
  return `${whose.join(', ')}: ${wanted ? 'to be made or changed' : gone}`
}

/** Its page, or the one of the instance that has it; null when there is none any more. */
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

/** When it is told again: a moment, or words. `now` in milliseconds; null: not known yet. */
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

/** Rounded, since it is read out whenever it is another one; nothing when there is none. */
export function waitingText(total: number): string {
  if (total === 0) return ''
  if (total === 1) return 'One thing is not as it should be there yet.'
  const step = 10 ** Math.floor(Math.log10(total))
  const atLeast = number(Math.floor(total / step) * step)
  return `${total < 10 ? total : `At least ${atLeast}`} things are not as they should be there yet.`
}

const number = (count: number): string => count.toLocaleString('en')

/** "3 changes not confirmed" */
export const countText = (count: number): string =>
  `${number(count)} ${count === 1 ? 'change' : 'changes'} not confirmed`

/** "20 of 30,000 are shown" */
export const shownText = (shown: number, total: number): string =>
  `${number(shown)} of ${number(total)} ${shown === 1 ? 'is' : 'are'} shown`

/** What an administrator's own action has begun. */
export const toldText = (name: string, told: number): string =>
  told === 0
    ? `${name} is being told already`
    : `Telling ${name} again: ${number(told)} ${told === 1 ? 'change' : 'changes'}`
