import type { HostView, UnconfirmedView } from '@stratolith/api/hosts/contract'
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
}: Pick<UnconfirmedView, 'kind' | 'instance' | 'project' | 'wanted'>): string {
  const whose = [
    `${documentNouns[kind]}${instance ? ` of ${instance.name}` : ''}`,
    ...(project ? [`project ${project.name ?? project.id}`] : []),
  ]
  return `${whose.join(', ')}: ${wanted ? 'to be made or changed' : 'to be gone'}`
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
  { nextTryAt }: Pick<UnconfirmedView, 'nextTryAt'>,
  { state }: Pick<HostView, 'state'>,
  now: number | null,
): { at: string } | { text: string } {
  if (state === 'fenced') return { text: 'when the fencing is taken back' }
  if (state !== 'up') return { text: 'when it answers' }
  if (nextTryAt === null || (now !== null && Date.parse(nextTryAt) <= now)) return { text: 'next delivery' }
  return { at: nextTryAt }
}

export const waitingText = (total: number): string =>
  total === 1
    ? 'One thing is not as it should be there yet.'
    : `${total} things are not as they should be there yet.`

/** What an administrator's own action has begun. */
export const toldText = (name: string, told: number): string =>
  told === 0
    ? `${name} is being told already`
    : `Telling ${name} again: ${told} ${told === 1 ? 'thing' : 'things'}`
