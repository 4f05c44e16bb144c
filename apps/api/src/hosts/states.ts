import type { Allowed } from '../kernel/contract.ts'

/**
 * The states of a host. `suspect`: the host has missed beats and may come back at once, so it gets no new instances,
 * and operations under way go on. `down`: the host was silent for longer. `fenced`: an administrator has declared that
 * the machine is off, or cut off, and can touch neither disks nor networks; this holds until it is taken back.
 */
export const hostStates = ['up', 'suspect', 'down', 'fenced'] as const
export type HostState = (typeof hostStates)[number]

export type Standing = { state: HostState; answers: boolean }

/**
 * When a host is told of a change. `now`: at once, also when the host has just missed a beat; `silent`: as soon as it
 * answers; `fenced`: when the fencing is taken back, except for removals (`wanted` is false).
 */
export function hearing({ state, answers }: Standing, { wanted }: { wanted: boolean }) {
  if (state === 'fenced' && wanted) return 'fenced'
  return state === 'up' || state === 'suspect' || answers ? 'now' : 'silent'
}

/**
 * Why a host cannot be asked about its guests, so that all knowledge of them is old; null: the host answers. `missing`:
 * the host may come back at once, so operations under way go on and new requests are tried.
 */
export type Absence = 'missing' | 'silent' | 'fenced'
export function absenceOf(standing: Standing): Absence | null {
  const heard = hearing(standing, { wanted: true })
  if (heard !== 'now') return heard
  return standing.state === 'suspect' && !standing.answers ? 'missing' : null
}

/** The actions on hosts: true, or the reason why not. This file is without zod, so that pages load little. */
export const hostCan = {
  fence: (host: Standing): Allowed =>
    host.state === 'fenced'
      ? 'It is declared fenced already.'
      : (host.state !== 'up' && !host.answers) ||
        'It answers, so it is not off. Stop the machine first and wait until it counts as silent.',
  tell: ({ state }: Pick<Standing, 'state'>): Allowed =>
    state === 'fenced'
      ? 'It is declared fenced. It is told everything when that is taken back.'
      : state !== 'down' || 'It does not answer. It is told everything as soon as it does.',
  unfence: (host: Standing): Allowed => host.state === 'fenced' || 'It is not declared fenced.',
  delete: (host: Standing & { instances: number }): Allowed =>
    host.state === 'up'
      ? 'It answers. Stop its agent first, or it comes back.'
      : host.state === 'suspect'
        ? 'It may come back at once. Wait until it counts as down.'
        : host.instances === 0 || 'Instances are there. Delete them first.',
}
