import type { Logger } from 'pino'

/** What every driver call gets first: who asked, when to give up, where to tell how far it is. */
export type Op = {
  /** Operation id (UUID) that finds the whole story in the log. */
  readonly id: string
  readonly signal: AbortSignal
  readonly log: Logger
  /** A short sentence in the present tense, shown to the user beside the elapsed time. */
  progress(text: string): void
}

/** An Op for calls that nobody waits for (probe, reconcile) and for tests. */
export function backgroundOp(log: Logger, id = 'background', timeoutMs = 60_000): Op {
  return { id, signal: AbortSignal.timeout(timeoutMs), log, progress: () => undefined }
}
