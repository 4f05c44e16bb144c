import type { InstanceView } from '@stratolith/api/compute/contract'

type Machine = NonNullable<InstanceView['machine']>

/** The mark beside the state in a list, and above a page. */
export const machineMark = ({ absence }: Pick<Machine, 'absence'>): string =>
  absence === 'fenced' ? 'Machine off' : 'No answer'

export const machineTitle = ({ absence }: Pick<Machine, 'absence'>): string =>
  absence === 'fenced' ? 'Its machine is declared to be off' : 'Its machine does not answer'

/** Says what the mark means for an instance. The page shows `lastSeen` between the mark and this text. */
export function machineText({ absence }: Pick<Machine, 'absence'>): string {
  if (absence === 'missing')
    return 'It may come back at once, and what you ask for is tried. Until then the state here is what was last known.'
  return `The state here is what was last known: the guest may go on running, or not. It can be deleted. ${
    absence === 'fenced'
      ? 'All else works again when an administrator takes the declaration back.'
      : 'All else works again as soon as the machine answers.'
  }`
}
