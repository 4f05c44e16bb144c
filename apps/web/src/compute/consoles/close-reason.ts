/** How a console's socket ended, as the browser tells it. */
export type Ending = { code: number; reason: string; opened: boolean }

/**
 * A sentence for a person. `unavailable` is why the instance offers no console now, when it does not
 * (from instanceCan.console): it explains more than any code. 4000 is the console proxy's own code;
 * its reason is a sentence already.
 */
export function closeReason(ending: Ending, unavailable: string | null): string {
  if (ending.code === 4000 && ending.reason) return ending.reason
  if (unavailable) return unavailable
  if (!ending.opened)
    return 'The console did not open: the host of the instance does not answer, or the one-time right to it had been used.'
  if (ending.code === 1009) return 'The console closed because one paste was too large (at most 1 MiB).'
  if (ending.code === 1001 || ending.code === 1012) return 'The console service is restarting.'
  if (ending.code === 1000 || ending.code === 1005) return 'The console was closed by the other side.'
  return 'The connection broke. The network, the console service or the guest itself was interrupted; the guest may go on running.'
}

/** Said on purpose by the console proxy: trying again would end the same way. */
export const isFinal = (ending: Ending): boolean => ending.code === 4000

/** Waits before tries that nobody asked for; then a person decides. */
const waitsMs = [1_000, 3_000, 8_000, 15_000, 30_000]
export function retryAfterMs(final: boolean, tries: number): number | null {
  return final ? null : (waitsMs[tries] ?? null)
}
