import type { NetworkView } from '@stratolith/api/networking/contract'

/**
 * Sentences about the world outside of the cloud. `closed`: the reason why nothing passes between that world and guests
 * at all, as the hosts say (hosts.outside); null when something may pass.
 */
export function starterOffer(hasExternal: boolean, closed: string | null): string {
  if (!hasExternal) return 'This cloud has no external network either. Create a network of your own first.'
  const made = 'Launching makes it for you, or make it now.'
  return closed
    ? `The starter network has a subnet with DHCP and a router. ${made} ${closed}`
    : `The starter network has a subnet with DHCP and a router that leads out. ${made}`
}

export function publicIpOffer(hasExternal: boolean, closed: string | null): string {
  if (!hasExternal) return 'This cloud has no external network, so there are no public addresses.'
  return closed
    ? `A floating IP, by which instances of this cloud alone reach it. ${closed}`
    : 'A floating IP, so that it can be reached from outside of the cloud.'
}

export const starterMade = (name: string, closed: string | null): string =>
  closed ? `${name} is made, with a router` : `${name} is made, with a router that leads out`

export function wayOut({ router }: Pick<NetworkView, 'router'>, closed: string | null): string {
  if (!router) return 'Instances on this network reach only each other, and floating IPs cannot lead to them.'
  if (!router.externalAddress)
    return `Router “${router.name}” joins networks, but it has no gateway: nothing leads out of the cloud.`
  if (closed) return closed
  return 'Instances reach the outside through the router; a floating IP makes one of them reachable from there.'
}

/** What the page of an instance says about port 22: the ssh command is useless where no host lets it in. */
export type WayIn = 'unknown' | 'open' | 'blocked' | 'closed'
export function wayIn(reach: { ok: boolean; closed: boolean } | undefined): WayIn {
  if (!reach) return 'unknown'
  if (reach.closed) return 'closed'
  return reach.ok ? 'open' : 'blocked'
}
