import type { Logger } from 'pino'

/** The first argument of every driver call: the operation that asked, when to give up, and where to tell progress. */
export type Op = {
  /** The operation's id (UUID), by which all its lines in the log are found. */
  readonly id: string
  readonly signal: AbortSignal
  readonly log: Logger
  /** Tells progress: `text` is a short phrase such as "starting the guest", shown to the user beside the elapsed time. */
  progress(text: string): void
  /** The newest version of the protocol that the caller speaks; absent when the caller is of this build. */
  readonly callerSpeaks?: number
}

/** The progress of a copy: a share of the whole, which pages read to fill a bar. */
export const percentDone = (percent: number, done = 'copied'): string => `${percent} % ${done}`

/** Makes an Op for calls without an operation (probes, reconcilers) and for tests. */
export function backgroundOp(log: Logger, id = 'background', timeoutMs = 60_000): Op {
  return { id, signal: AbortSignal.timeout(timeoutMs), log, progress: () => undefined }
}
