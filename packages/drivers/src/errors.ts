/**
 * The codes of errors that a driver may raise. The control plane translates such errors in one place
 * (apps/api/src/kernel/hosts.ts), so `message` is for the log and the administrator and never reaches a tenant as it is. What the tenant can do something
 * about has a code of its own, for which the control plane has a sentence.
 */
export const driverErrorCodes = [
  'not_found', // a thing that the call needs (not one that it removes) does not exist
  'invalid', // the spec cannot be carried out, retrying is useless
  'conflict', // the resource is in a state that forbids the call
  'no_slot', // a running guest has no place for another device until it is started again
  'mounted_later', // a running guest does not see a place that was mounted after the guest was started
  'too_many_layers', // a volume has as many layers as it may have
  'no_space', // disk or memory of the host is exhausted
  'unsupported', // this host or driver lacks the facility
  'foreign', // the host follows another cloud, or a newer database of this one
  'unavailable', // the host, agent or a tool does not answer: retry
  'failed', // a tool answered with an error: retry a few times
] as const
export type DriverErrorCode = (typeof driverErrorCodes)[number]

type DriverErrorOptions = { cause?: unknown; inTheWay?: readonly string[] }
export class DriverError extends Error {
  readonly code: DriverErrorCode
  /** For a `conflict`: the ids of all things of the same kind that have what the spec asks for. The agent protocol does not carry them. */
  readonly inTheWay: readonly string[]
  constructor(code: DriverErrorCode, message: string, options: DriverErrorOptions = {}) {
    super(message, options)
    this.name = 'DriverError'
    this.code = code
    this.inTheWay = options.inTheWay ?? []
  }
  /** True when the host, its agent or its tool has answered, perhaps unintelligibly; false when it did not answer. */
  get isAnswer(): boolean {
    return this.code !== 'unavailable'
  }
  /** True when the same call may succeed later without anybody changing it. */
  get retryable(): boolean {
    return this.code === 'unavailable' || this.code === 'failed'
  }
}

/** Turns any error into a DriverError: an unknown error becomes `failed`, or `no_space` when the disk is full. */
export function driverErrorOf(error: unknown): DriverError {
  if (error instanceof DriverError) return error
  const { message } = error instanceof Error ? error : new Error(String(error))
  return new DriverError(isDiskFull(error) ? 'no_space' : 'failed', message, { cause: error })
}

export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(String((error as { code?: unknown } | null)?.code))
