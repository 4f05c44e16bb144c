import type { HostHeld, HostView } from '@stratolith/api/hosts/contract'
import type { HostState } from '@stratolith/api/hosts/states'
import { dateTime, mib } from '../kit/format.ts'
import type { Tone } from '../kit/StateBadge.tsx'

type Standing = Pick<HostView, 'state' | 'answers'>

/** The states of hosts in plain words. */
export const hostStateWords: Record<HostState, { label: string; tone: Tone }> = {
  up: { label: 'Up', tone: 'good' },
  suspect: { label: 'Silent', tone: 'busy' },
  down: { label: 'Down', tone: 'bad' },
  fenced: { label: 'Fenced', tone: 'off' },
}

/** What a state means and what to do about it; null when the host is up. */
export function hostAdvice({ state, answers }: Standing): string | null {
  if (state === 'up') return null
  if (state === 'suspect')
    return 'It has not answered for some seconds and may come back at once. Until then nothing new is placed here; what is under way goes on.'
  if (state === 'down')
    return answers
      ? 'It answers again and is being told what is to be gone. It is up in a moment.'
      : 'Its agent does not answer. What runs there may go on running, so addresses and room of what is deleted meanwhile are held. Start its agent again, or, when the machine is really off for longer, declare it fenced.'
  return answers
    ? 'An administrator has declared that the machine is off, but it answers. Take the fencing back, or switch the machine off.'
    : 'An administrator has declared that the machine is off. Nothing is placed there until the fencing is taken back.'
}

/**
 * The story of a fenced host: its state now, what was given to others, and what happens when it comes back. `freed` is
 * what the events say about this; null when they say nothing.
 */
export function fencedStory({ answers }: Pick<HostView, 'answers'>, freed: HostHeld['freed']) {
  const declared = freed
    ? `${freed.by ?? 'An administrator'} declared on ${dateTime(freed.at)}`
    : 'An administrator has declared'
  return [
    {
      title: 'Now',
      text: `${declared} that this machine is off, or cut off from its disks and networks. ${
        answers
          ? 'It answers all the same: it is told to remove what was deleted here, and nothing else. Nothing new is placed here, and its instances cannot be started, stopped or changed.'
          : 'Nothing new is placed here. Its instances are shown as they were when it answered last; they cannot be started, stopped or changed, but they can be deleted.'
      }`,
    },
    {
      title: 'Freed',
      text: `${freedText(freed)} What is deleted here from then on is free at once. Instances that nobody deletes keep their addresses and their room.`,
    },
    answers
      ? {
          title: 'What to do',
          text: 'Take the fencing back if the machine is well: within seconds it has heard all that it has missed, is up and takes new instances. If it is not, switch it off: until it is removed, a deleted guest that still runs here may share its address with another one.',
        }
      : {
          title: 'When it comes back',
          text: 'At its first answer the machine is told to remove what was deleted meanwhile, and it stays fenced. Take the fencing back then: within seconds it has heard all that it has missed, is up and takes new instances.',
        },
  ]
}

function freedText(freed: HostHeld['freed']): string {
  if (!freed) return 'Addresses and room of instances that had been deleted here were given to others.'
  const parts = [
    ...(freed.addresses > 0 ? [addressesText(freed.addresses)] : []),
    ...(freed.instances > 0 ? [roomText(freed.instances)] : []),
  ]
  return parts.length === 0
    ? 'Nothing was held for it at that moment.'
    : `At that moment others were given ${parts.join(' and ')}.`
}

const addressesText = (count: number): string => `${count} ${count === 1 ? 'address' : 'addresses'}`
const roomText = (instances: number): string =>
  `the room of ${instances} deleted ${instances === 1 ? 'instance' : 'instances'}`

/** What an administrator who declares a host fenced must be sure of. */
const fencingText =
  'Only when the machine is switched off, or cut off from its disks and networks, and stays so: the addresses and the room of guests that were deleted there are given to others at once. A guest that still runs there would then share its address with another one. Nothing is placed on the host until you take the declaration back.'

export const fencingQuestion = ({ name }: { name: string }) => ({
  title: `Is ${name} really off?`,
  body: fencingText,
  confirmLabel: 'Declare fenced',
})

/** The addresses and the room that are held until the host has confirmed; null when nothing is held. */
export function heldText({
  addresses,
  instances,
  vcpus,
  memoryMib,
  diskGib,
}: Omit<HostHeld, 'freed'>): string | null {
  const parts = [
    ...(addresses > 0 ? [addressesText(addresses)] : []),
    ...(instances > 0
      ? [`${roomText(instances)} (${vcpus} vCPU, ${mib(memoryMib)}, ${diskGib} GiB of disk)`]
      : []),
  ]
  return parts.length === 0 ? null : `Held until it has confirmed: ${parts.join(' and ')}.`
}
