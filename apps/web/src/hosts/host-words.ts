import type { HostHeld, HostView } from '@stratolith/api/hosts/contract'
import type { HostState } from '@stratolith/api/hosts/states'
import { mib } from '../kit/format.ts'
import type { Tone } from '../kit/StateBadge.tsx'

type Standing = Pick<HostView, 'state' | 'answers'>

/** States of hosts in people's words. */
export const hostStateWords: Record<HostState, { label: string; tone: Tone }> = {
  up: { label: 'Up', tone: 'good' },
  suspect: { label: 'Silent', tone: 'busy' },
  down: { label: 'Down', tone: 'bad' },
  fenced: { label: 'Fenced', tone: 'off' },
}

/** What a state means and what to do about it; null when all is well. */
export function hostAdvice({ state, answers }: Standing): string | null {
  if (state === 'up') return null
  if (state === 'suspect')
    return 'It has not answered for some seconds and may come back at once. Until then nothing new is placed here; what is under way goes on.'
  if (state === 'down')
    return answers
      ? 'It answers again and is being told what is to be gone. It is up in a moment.'
      : 'Its agent does not answer. What runs there may go on running, so addresses and room of what is deleted meanwhile are held. Start its agent again, or, when the machine is really off for longer, declare it fenced.'
  return answers
    ? 'It is declared to be off, and it answers: what is deleted there is being removed. Take the declaration back, or switch the machine off.'
    : 'An administrator has declared that the machine is off. What deleted instances had there is free. When it is repaired, take the declaration back: it is told what is to be gone before anything new comes.'
}

/** What an administrator answers for who declares a host fenced. */
const fencingText =
  'Only when the machine is switched off, or cut off from its disks and networks, and stays so: the addresses and the room of guests that were deleted there are given to others at once. A guest that still runs there would then share its address with another one. Nothing is placed on the host until you take the declaration back.'

export const fencingQuestion = ({ name }: { name: string }) => ({
  title: `Is ${name} really off?`,
  body: fencingText,
  confirmLabel: 'Declare fenced',
})

/** What is kept from others until the host has confirmed; null when nothing is. */
export function heldText({ addresses, instances, vcpus, memoryMib, diskGib }: HostHeld): string | null {
  const parts = [
    ...(addresses > 0 ? [`${addresses} ${addresses === 1 ? 'address' : 'addresses'}`] : []),
    ...(instances > 0
      ? [
          `the room of ${instances} deleted ${instances === 1 ? 'instance' : 'instances'} (${vcpus} vCPU, ${mib(memoryMib)}, ${diskGib} GiB of disk)`,
        ]
      : []),
  ]
  return parts.length === 0 ? null : `Held until it has confirmed: ${parts.join(' and ')}.`
}
