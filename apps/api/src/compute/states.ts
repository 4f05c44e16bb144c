import type { Absence } from '../hosts/contract.ts'
import type { Allowed } from '../kernel/contract.ts'

/** States of instances, and the actions that each state allows. Without zod, so that pages load little. */

export const vmStates = ['building', 'active', 'stopped', 'paused', 'error', 'deleted'] as const
export type VmState = (typeof vmStates)[number]
export const taskStates = [
  'scheduling',
  'networking',
  'block_device_mapping',
  'spawning',
  'powering-on',
  'powering-off',
  'rebooting',
  'rebooting_hard',
  'pausing',
  'unpausing',
  'deleting',
] as const
export type TaskState = (typeof taskStates)[number]
/** Power states with OpenStack's numbers. */
export const powerStates = { none: 0, running: 1, paused: 3, shutdown: 4, crashed: 6 } as const

export type InstanceStatus =
  | 'BUILD'
  | 'ACTIVE'
  | 'SHUTOFF'
  | 'PAUSED'
  | 'REBOOT'
  | 'HARD_REBOOT'
  | 'ERROR'
  | 'DELETED'
/** Returns the status that people and OpenStack's clients see (openstack-api section 6). */
export function instanceStatus(vmState: VmState, taskState: TaskState | null): InstanceStatus {
  if (vmState === 'active' && taskState === 'rebooting') return 'REBOOT'
  if (vmState === 'active' && taskState === 'rebooting_hard') return 'HARD_REBOOT'
  return (
    {
      building: 'BUILD',
      active: 'ACTIVE',
      stopped: 'SHUTOFF',
      paused: 'PAUSED',
      error: 'ERROR',
      deleted: 'DELETED',
    } as const
  )[vmState]
}

type Stateful = {
  vmState: VmState
  taskState: TaskState | null
  locked: boolean
  /**
   * The absence of the instance's machine; null or undefined when the machine answers, or when the instance is on none.
   */
  machine?: { absence: Absence } | null
  /** Null when the instance is on no host, and in what a person sees who may not know hosts. */
  hostId?: string | null
  /** When the instance first ran; null when it has never run. */
  launchedAt?: Date | string | null
}
/** The reason for which nothing but a deletion is possible after a build that left nothing on any host. */
export const notBuilt = 'Its build failed and nothing of it is on any host. Delete it and launch again.'
const isUnbuilt = (i: Stateful): boolean =>
  i.vmState === 'error' && i.hostId === null && i.launchedAt === null
const away = {
  silent: 'The machine that this instance is on does not answer. This works again as soon as it does.',
  fenced:
    'The machine that this instance is on is declared to be off. This works again when an administrator takes that back.',
}
/** The same sentence serves for a machine that was asked and did not answer. */
export const machineSilent = away.silent
/** Returns the reason why the machine of an instance cannot be asked; null when the machine is asked. */
export const machineAway = (absence: Absence | undefined): string | null =>
  absence === undefined || absence === 'missing' ? null : away[absence]

/** A state in the words of a sentence, behind “is”. */
export const vmWords = (state: string): string =>
  ({ building: 'being built', error: 'in an error state' })[state] ?? state

const inState =
  (what: string, states: readonly VmState[]) =>
  (i: Stateful): Allowed => {
    if (i.locked) return 'The instance is locked.'
    if (isUnbuilt(i)) return notBuilt
    const reason = machineAway(i.machine?.absence)
    if (reason) return reason
    if (i.taskState !== null) return `Wait: the instance is busy (${i.taskState.replaceAll(/[_-]/g, ' ')}).`
    return (
      states.includes(i.vmState) ||
      `Only ${states.join(' or ')} instances can ${what}; this one is ${vmWords(i.vmState)}.`
    )
  }
export const instanceCan = {
  start: inState('be started', ['stopped']),
  stop: inState('be stopped', ['active', 'error']),
  rebootSoft: inState('be rebooted', ['active']),
  rebootHard: inState('be hard rebooted', ['active', 'stopped', 'paused', 'error']),
  pause: inState('be paused', ['active']),
  unpause: inState('be unpaused', ['paused']),
  /** Give an interface or take one away. The guest need not run: a stopped guest has the change at its next start. */
  attach: (i: Stateful): Allowed =>
    inState('be given an interface or lose one', ['active', 'paused', 'stopped'])(
      i.vmState === 'stopped' ? { ...i, machine: null } : i,
    ),
  attachVolume: inState('get or lose a volume', ['active', 'paused', 'stopped']),
  /** Also in error, so that the data can be used elsewhere. */
  detachVolume: inState('get or lose a volume', ['active', 'paused', 'stopped', 'error']),
  /** Deleting is allowed also during a build and in error. */
  delete: (i: Stateful): Allowed =>
    i.locked
      ? 'The instance is locked.'
      : i.taskState === 'deleting'
        ? 'It is being deleted.'
        : i.vmState !== 'deleted' || 'It is deleted.',
  lock: (i: Pick<Stateful, 'locked'>): Allowed => !i.locked || 'It is locked already.',
  unlock: (i: Pick<Stateful, 'locked'>): Allowed => i.locked || 'It is not locked.',
  console: (i: Stateful): Allowed =>
    i.vmState === 'active' || i.vmState === 'paused'
      ? (machineAway(i.machine?.absence) ?? true)
      : i.vmState === 'building'
        ? 'The console opens as soon as the instance runs.'
        : `A console needs a running instance; this one is ${vmWords(i.vmState)}.`,
}
export const instanceTransitioning = (i: Pick<Stateful, 'vmState' | 'taskState'>): boolean =>
  i.taskState !== null || i.vmState === 'building'

/**
 * Makes the host name of an instance: a DNS label of letters, digits and inner hyphens, at most 63 characters (RFC
 * 1123).
 */
export function hostnameOf(name: string, id: string): string {
  const label = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return label || `instance-${id.slice(0, 8)}`
}
