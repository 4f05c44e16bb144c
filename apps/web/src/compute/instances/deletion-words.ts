import type { InstanceView } from '@stratolith/api/compute/contract'

type Deleted = Pick<InstanceView, 'addresses' | 'ownFloatingIpId' | 'machine'>

/** What goes with these instances, and what stays: their floating IPs cost quota, and may be in somebody's DNS. */
export function deletionText(views: readonly Deleted[]): string {
  const what =
    views.length === 1
      ? 'The machine, its disk and everything on it are gone for good.'
      : 'The machines, their disks and everything on them are gone for good.'
  const led = views.flatMap(({ addresses, ownFloatingIpId }) =>
    addresses.flatMap(({ floatingIp, floatingIpId }) =>
      floatingIp === null ? [] : [{ address: floatingIp, goes: floatingIpId === ownFloatingIpId }],
    ),
  )
  const named = (goes: boolean) => led.filter((one) => one.goes === goes).map(({ address }) => address)
  const [gone, kept] = [named(true), named(false)]
  const away = views.filter(({ machine }) => machine !== null).length
  return [
    what,
    ...(away > 0 ? [awayText(views.length, away)] : []),
    ...(gone.length > 0
      ? [
          `${floatingIps(gone)}, made at ${views.length === 1 ? 'its' : 'their'} launch, ${gone.length === 1 ? 'is' : 'are'} released, too.`,
        ]
      : []),
    ...(kept.length > 0
      ? [`${floatingIps(kept)} ${kept.length === 1 ? 'stays' : 'stay'} with the project.`]
      : []),
  ].join(' ')
}

const awayText = (count: number, away: number): string =>
  count === 1
    ? 'Its host does not answer: it may go on running there until that host is back.'
    : `The ${away === 1 ? 'host of one of them does' : `hosts of ${away} of them do`} not answer: what runs there may go on until it does.`

const floatingIps = (addresses: readonly string[]): string =>
  `Floating ${addresses.length === 1 ? 'IP' : 'IPs'} ${addresses.join(', ')}`
