/** How a console's socket ended, as the browser tells it. */
export type Ending = { code: number; reason: string; opened: boolean }

/** The console proxy's own codes (apps/console-proxy/src/bridge.ts): their reason is a sentence already. */
const codes = { final: 4000, noAnswer: 4001 }

/**
 * A sentence for a person. `unavailable` is why the instance offers no console now, when it does not
 * (from instanceCan.console): it explains more than any code but the console proxy's own ones.
 */
export function closeReason(ending: Ending, unavailable: string | null): string {
  if (ending.reason && Object.values(codes).includes(ending.code)) return ending.reason
  if (unavailable) return unavailable
  if (!ending.opened)
    return 'The console did not open: the guest is not ready for it, or the one-time right to it had been used.'
  if (ending.code === 1009) return 'The console closed because one paste was too large (at most 1 MiB).'
  if (ending.code === 1001 || ending.code === 1012) return 'The console service is restarting.'
  if (ending.code === 1000 || ending.code === 1005) return 'The console was closed by the other side.'
  return 'The connection broke. The network, the console service or the guest itself was interrupted; the guest may go on running.'
}

/**
 * Whether to try again by itself. `never`: it would end the same way. `often`: what broke off may be back at
 * once, and after some tries a person decides. `patiently`: somebody has said that the machine is away, so not often
 * and for as long as it takes.
 */
export type Again = 'never' | 'often' | 'patiently'
export const againAfter = ({ code }: Pick<Ending, 'code'>): Again =>
  code === codes.final ? 'never' : code === codes.noAnswer ? 'patiently' : 'often'

const waitsMs = [1_000, 3_000, 8_000, 15_000, 30_000]
const patientMs = 15_000
export function retryAfterMs(again: Again, tries: number): number | null {
  if (again === 'never') return null
  return again === 'patiently' ? patientMs : (waitsMs[tries] ?? null)
}

/** What is said while it is tried again. */
export const retryingText: Record<Exclude<Again, 'never'>, string> = {
  often: 'Trying again …',
  patiently: 'The console opens by itself when that is over: it is tried every 15 seconds.',
}
