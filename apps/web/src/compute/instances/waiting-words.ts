import type { InstanceView, WaitingPart } from '@stratolith/api/compute/contract'

type Part = Pick<WaitingPart, 'kind' | 'name' | 'floatingIps' | 'released' | 'itself' | 'wanted'>

/**
 * Returns "Its port 10.0.0.5" or "The removal of floating IP 172.24.4.7". A part without a name belongs to another
 * project.
 */
export function partText(part: Part): string {
  const { kind, name, wanted } = part
  const called = (noun: string) => (name === null ? `${noun} of another project` : `${noun} “${name}”`)
  switch (kind) {
    case 'instance':
      return wanted ? 'The description of its guest' : 'The removal of its guest'
    case 'port':
      return `${wanted ? 'Its' : 'The removal of its'} port${name === null ? '' : ` ${name}`}`
    case 'network':
      return name === null ? `A ${called('network')}` : `Its ${called('network')}`
    case 'router':
      return routerText(part, `${name === null ? 'A' : 'The'} ${called('router')}`)
    case 'addressSet':
      return `The members of ${name === null ? 'a' : 'the'} ${called('security group')}`
  }
}

/** Describes a router by what people did: the router itself is named only when it has changed itself. */
function routerText({ floatingIps, released, itself }: Part, router: string): string {
  const things = [
    ...(itself ? [router] : []),
    ...(floatingIps.length > 0 ? [floatingIpsText(floatingIps)] : []),
    ...(released.length > 0 ? [`the removal of ${floatingIpsText(released)}`] : []),
  ]
  const text = things.join(' and ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const floatingIpsText = (addresses: readonly string[]): string =>
  `floating ${addresses.length === 1 ? 'IP' : 'IPs'} ${addresses.join(', ')}`

/** Returns the reason why the part waits, as a sentence. */
export function whyText({ why, message }: Pick<WaitingPart, 'why' | 'message'>): string {
  switch (why) {
    case 'missing':
      return 'Its host does not answer at the moment. It is told as soon as it does.'
    case 'silent':
      return 'Its host does not answer. It is told as soon as it does.'
    case 'fenced':
      return 'Its host is declared to be off. It is told when that is taken back.'
    case 'refused':
      return message ?? 'The host could not do it.'
    case 'working':
      return `It waits for ${message ?? 'its host'}.`
    case 'telling':
      return 'The host is being told now.'
  }
}

/** Answers whether the part only takes its time, without any trouble. */
export const isUnderWay = ({ why }: Pick<WaitingPart, 'why'>): boolean =>
  why === 'telling' || why === 'working'

/** A part that its host hears within moments is not shown, and neither is one while an operation shows its progress. */
const newsAfterMs = 5_000

/** Returns the parts that a person should read about. `now` is in milliseconds; null before the page is hydrated. */
export function partsToShow(
  parts: readonly WaitingPart[],
  { taskState }: Pick<InstanceView, 'taskState'>,
  now: number | null,
): WaitingPart[] {
  return parts.filter(
    (part) =>
      !isUnderWay(part) || (taskState === null && now !== null && now - Date.parse(part.since) > newsAfterMs),
  )
}
