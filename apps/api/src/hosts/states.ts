import type { Allowed } from '../kernel/contract.ts'

/**
 * What the cloud knows of a host. `suspect`: it has missed beats and may come back at once, so nothing new goes
 * there and what is under way goes on. `down`: silent for longer. `fenced`: an administrator has declared that
 * the machine is off, or cut off, and can touch neither disks nor networks; it stays so until that is taken back.
 */
export const hostStates = ['up', 'suspect', 'down', 'fenced'] as const
export type HostState = (typeof hostStates)[number]

export type Standing = { state: HostState; answers: boolean }

/**
 * Whether a host is being told of changes: `now`, also when it has just missed a beat; `silent`: as soon as it
 * answers; `fenced`: when that is taken back, but for what is to be gone (`wanted` is false).
 */
export function hearing({ state, answers }: Standing, { wanted }: { wanted: boolean }) {
  if (state === 'fenced' && wanted) return 'fenced'
  return state === 'up' || state === 'suspect' || answers ? 'now' : 'silent'
}

/**
 * Why nothing can be asked of what is on a host, and what is known of it is from before; null: it answers. `missing`:
 * it may come back at once, so what is under way goes on and what is asked for is tried.
 */
export type Absence = 'missing' | 'silent' | 'fenced'
export function absenceOf(standing: Standing): Absence | null {
  const heard = hearing(standing, { wanted: true })
  if (heard !== 'now') return heard
  return standing.state === 'suspect' && !standing.answers ? 'missing' : null
}

/** Without zod, so that pages load little. */
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
