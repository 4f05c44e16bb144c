/**
 * What a driver may raise. The control plane translates it once (apps/api/src/kernel/hosts.ts),
 * so `message` is for the log and the administrator and never reaches a tenant as it is.
 */
export const driverErrorCodes = [
  'not_found', // what the call needs (not what it removes) is not there
  'invalid', // the spec cannot be honoured, retrying is useless
  'conflict', // the resource is in a state that forbids the call
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
  /** Of a `conflict`: all those of the same kind that have what the spec asks for. Does not travel. */
  readonly inTheWay: readonly string[]
  constructor(code: DriverErrorCode, message: string, options: DriverErrorOptions = {}) {
    super(message, options)
    this.name = 'DriverError'
    this.code = code
    this.inTheWay = options.inTheWay ?? []
  }
  /** True when somebody has said so, or something that cannot be read: the host, its agent and its tool are there. */
  get isAnswer(): boolean {
    return this.code !== 'unavailable'
  }
  /** True when the same call may succeed later without anybody changing it. */
  get retryable(): boolean {
    return this.code === 'unavailable' || this.code === 'failed'
  }
}

/** What anything has raised as what a driver may raise: what is no DriverError is a tool's failure, or a full disk. */
export function driverErrorOf(error: unknown): DriverError {
  if (error instanceof DriverError) return error
  const { message } = error instanceof Error ? error : new Error(String(error))
  return new DriverError(isDiskFull(error) ? 'no_space' : 'failed', message, { cause: error })
}

export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(String((error as { code?: unknown } | null)?.code))
