import type { PlacementView } from '@stratolith/api/kernel/contract'

/**
 * For the names of the scheduler's checks (apps/api/src/compute/scheduler/judge.ts): the words after a number of hosts
 * that fail the check.
 */
const because: Record<string, (hosts: number) => string> = {
  Answers: (n) => (n === 1 ? 'does not answer' : 'do not answer'),
  'Accepts instances': (n) => (n === 1 ? 'is disabled' : 'are disabled'),
  vCPUs: (n) => (n === 1 ? 'has too few vCPUs left' : 'have too few vCPUs left'),
  Memory: (n) => (n === 1 ? 'has too little memory left' : 'have too little memory left'),
  Disk: (n) => (n === 1 ? 'has too little disk left' : 'have too little disk left'),
  'Server group': (n) => (n === 1 ? 'is ruled out by the server group' : 'are ruled out by the server group'),
}

/** For example "It fits on 2 of 600 hosts: 500 have too little memory left, 98 do not answer. 50 of them are shown." */
export function placementWords({ fit, total, refused, verdicts }: PlacementView): string {
  const reasons = refused.map(
    ({ check, hosts }) => `${hosts} ${because[check]?.(hosts) ?? `fail the check “${check}”`}`,
  )
  const why = reasons.length > 0 ? `: ${reasons.join(', ')}` : ''
  const shown = total > verdicts.length ? ` ${verdicts.length} of them are shown.` : ''
  return `It fits on ${fit} of ${total} ${total === 1 ? 'host' : 'hosts'}${why}.${shown}`
}
