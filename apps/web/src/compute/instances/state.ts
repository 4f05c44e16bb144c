import type { InstanceView } from '@stratolith/api/compute/contract'
import { instanceCan } from '@stratolith/api/compute/states'
import type { Tone } from '../../kit/StateBadge.tsx'

const words: Record<InstanceView['status'], string> = {
  BUILD: 'Building',
  ACTIVE: 'Active',
  SHUTOFF: 'Stopped',
  PAUSED: 'Paused',
  REBOOT: 'Rebooting',
  HARD_REBOOT: 'Hard rebooting',
  ERROR: 'Error',
  DELETED: 'Deleted',
}
const tasks: Partial<Record<NonNullable<InstanceView['taskState']>, string>> = {
  'powering-on': 'Starting',
  'powering-off': 'Stopping',
  pausing: 'Pausing',
  unpausing: 'Resuming',
  deleting: 'Deleting',
}

/** Returns the state in people's words; a task under way hides the state from which it started. */
export function stateOf(view: Pick<InstanceView, 'status' | 'taskState' | 'vmState'>): {
  state: string
  tone: Tone
} {
  const task = view.taskState && tasks[view.taskState]
  if (task) return { state: task, tone: 'busy' }
  if (view.taskState || view.vmState === 'building') return { state: words[view.status], tone: 'busy' }
  const tone = { ACTIVE: 'good', ERROR: 'bad' }[view.status as string] as Tone | undefined
  return { state: words[view.status], tone: tone ?? 'off' }
}

/** Returns the reason why the instance has no console now; null when there is one. */
export function whyNoConsole(view: Parameters<typeof instanceCan.console>[0]): string | null {
  const console = instanceCan.console(view)
  if (view.taskState === 'deleting') return 'The instance is being deleted.'
  return console === true ? null : console
}

/** The filter of a list by state; the URL says `?status=ACTIVE`. */
export const statusFilter = {
  id: 'status',
  label: 'State',
  options: (['ACTIVE', 'SHUTOFF', 'BUILD', 'PAUSED', 'ERROR', 'REBOOT'] as const).map((value) => ({
    value,
    label: words[value],
  })),
}
type Status = Exclude<InstanceView['status'], 'DELETED'>
export const isStatus = (text: string | undefined): text is Status => text !== undefined && text in words
