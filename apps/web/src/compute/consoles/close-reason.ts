import type { ErrorView } from '@stratolith/api/kernel/contract'

/** The end of a console's socket as the browser reports it. */
export type Ending = { code: number; reason: string; opened: boolean }

/** The console proxy's own close codes (apps/console-proxy/src/bridge.ts), whose reason is already a sentence. */
const codes = { final: 4000, noAnswer: 4001 }

/**
 * Returns a sentence for a person. `unavailable` is the reason why the instance offers no console now, or null (from
 * instanceCan.console); it explains more than any close code except the console proxy's own ones.
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

/** The reason why the cloud gave no right to a console. A fault of the cloud is found by the id of the request. */
export const refusalText = ({ code, message, requestId }: ErrorView): string =>
  code === 'internal' && requestId ? `${message} Request ${requestId}` : message

/**
 * Whether the console tries again by itself. `never`: it would end in the same way. `often`: a broken connection may
 * work again at once, and after some tries the person decides. `patiently`: the cloud has said that the machine does
 * not answer, so the console tries seldom and for as long as that takes.
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

/** The text that is shown while the console tries again. */
export const retryingText: Record<Exclude<Again, 'never'>, string> = {
  often: 'Trying again …',
  patiently: 'The console opens by itself when that is over: it is tried every 15 seconds.',
}
