import type { InstanceView } from '@stratolith/api/compute/contract'
import type { LeavingView } from '@stratolith/api/volumes/contract'
import { gib } from '../../kit/format.ts'
import { waitText } from '../../volumes/words.ts'

type Deleted = Pick<InstanceView, 'addresses' | 'ownFloatingIpId' | 'machine' | 'rootOnVolume'>

/**
 * Says what is deleted together with these instances and what stays. Floating IPs are named, because they cost quota
 * and may be in somebody's DNS.
 */
export function deletionText(views: readonly Deleted[]): string {
  const isOne = views.length === 1
  const onVolumes = views.filter(({ rootOnVolume }) => rootOnVolume).length
  const what =
    onVolumes === views.length
      ? `The ${isOne ? 'machine is' : 'machines are'} gone for good.`
      : isOne
        ? 'The machine, its disk and everything on it are gone for good.'
        : 'The machines, their disks and everything on them are gone for good.'
  const kept = ledTo(views, false)
  const away = views.filter(({ machine }) => machine !== null).length
  return [
    what,
    ...(away > 0 ? [awayText(views.length, away)] : []),
    ...(kept.length > 0
      ? [`${floatingIps(kept)} ${kept.length === 1 ? 'stays' : 'stay'} with the project.`]
      : []),
  ].join(' ')
}

/**
 * Says which volumes are deleted with these instances, and which stay although they are marked for that; `onVolume`: whether
 * a root disk is a volume.
 */
export function volumesText({ volumes, minutes }: LeavingView, onVolume: boolean): string {
  const going = volumes.filter(({ why }) => why === null)
  const kept = volumes.flatMap(({ why, ...volume }) => (why === null ? [] : [`${nameOf(volume)}: ${why}`]))
  const isOne = going.length === 1
  const back = minutes === 0 ? 'and cannot be brought back' : `and can be taken back for ${waitText(minutes)}`
  return [
    ...(going.length > 0
      ? [`${going.map(sizedOf).join(', ')} ${isOne ? 'is' : 'are'} deleted, too, ${back}.`]
      : []),
    ...(kept.length > 0 ? [`Marked to be deleted, but staying: ${kept.join('; ')}.`] : []),
    ...(volumes.length > 0 ? ['All other volumes stay.'] : onVolume ? ['The volumes stay.'] : []),
  ].join(' ')
}

type Leaving = Omit<LeavingView['volumes'][number], 'why'>
const nameOf = ({ name, id }: Leaving): string => `“${name || id}”`
const sizedOf = (volume: Leaving): string => `${nameOf(volume)} (${gib(volume.sizeGib)})`

/** The checkbox in the question: whether the floating IPs that were made at the launch are released, too. */
export function releaseOption(
  views: readonly Deleted[],
): { label: string; description: string; ticked: true } | undefined {
  const own = ledTo(views, true)
  if (own.length === 0) return undefined
  const [was, its, it, stays] =
    own.length === 1
      ? ['It was', 'the instance', 'it', 'stays']
      : ['They were', 'the instances', 'they', 'stay']
  return {
    label: `Also release ${own.join(', ')}`,
    description: `${was} made at the launch of ${its}, and unless you keep ${own.length === 1 ? 'it' : 'them'}, somebody else may get ${own.length === 1 ? 'it' : 'them'} next. Without the tick ${it} ${stays} with the project.`,
    ticked: true,
  }
}

/**
 * Returns the floating IPs that lead to these instances: with `own` those that were made at the launch, else the
 * others.
 */
const ledTo = (views: readonly Deleted[], own: boolean): string[] =>
  views.flatMap(({ addresses, ownFloatingIpId }) =>
    addresses.flatMap(({ floatingIp, floatingIpId }) =>
      floatingIp !== null && (floatingIpId === ownFloatingIpId) === own ? [floatingIp] : [],
    ),
  )

const awayText = (count: number, away: number): string =>
  count === 1
    ? 'Its host does not answer: it may go on running there until that host is back.'
    : `The ${away === 1 ? 'host of one of them does' : `hosts of ${away} of them do`} not answer: what runs there may go on until it does.`

const floatingIps = (addresses: readonly string[]): string =>
  `Floating ${addresses.length === 1 ? 'IP' : 'IPs'} ${addresses.join(', ')}`
