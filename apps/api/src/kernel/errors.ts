import type { DriverError } from '@stratolith/drivers/errors'
import type { ErrorCode } from './contract.ts'
import { databaseRefusal } from './database-errors.ts'

/** Code → HTTP status at the portal's door. Façades have their own map (apps/api/src/openstack/errors.ts). */
export const httpStatus: Record<ErrorCode, number> = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  quota_exceeded: 403,
  no_capacity: 507,
  unsupported: 501,
  unavailable: 503,
  internal: 500,
}

/**
 * The only error type of the control plane. `message` is public and says what to do next;
 * `detail` is for the log and administrators.
 */
export class CloudError extends Error {
  readonly code: ErrorCode
  readonly detail: string | null
  readonly field: string | null
  /** A word for programs that says what is wrong, such as "networkInUse". A façade makes its own name of it. */
  readonly reason: string | null
  /** When to try again, if known. */
  readonly retryAfterSeconds: number | null
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      detail?: string
      field?: string
      reason?: string
      retryAfterSeconds?: number
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'CloudError'
    this.code = code
    this.detail = options.detail ?? null
    this.field = options.field ?? null
    this.reason = options.reason ?? null
    this.retryAfterSeconds = options.retryAfterSeconds ?? null
  }
  get retryable(): boolean {
    return this.code === 'unavailable'
  }
}

export const invalidInput = (message: string, field?: string, reason?: string) =>
  new CloudError('invalid_input', message, { field, reason })
export const conflict = (message: string, reason?: string) => new CloudError('conflict', message, { reason })
/** The error for a thing that does not exist or that the caller may not see: both have the same words (R2). */
export const notFound = (kind: string, ref: string) =>
  new CloudError('not_found', `${capitalised(kind)} ${printable(ref)} could not be found.`, {
    reason: `${kind.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase())}NotFound`,
  })
export const alreadyExists = (kind: string, name: string) =>
  new CloudError(
    'already_exists',
    `A ${kind} named “${printable(name)}” exists already. Choose another name.`,
    { field: 'name' },
  )

/** Asserts an assumption of ours; a false assumption is our bug (500) and ends the operation, not the process. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CloudError('internal', 'Something went wrong on our side.', { detail: message })
}

/** Translates the error of a driver. The driver's message goes to `detail`, never to a tenant. */
export function fromDriverError(error: DriverError): CloudError {
  const options = { detail: `${error.code}: ${error.message}`, cause: error }
  switch (error.code) {
    case 'not_found':
      return new CloudError('internal', 'The host has lost something that it needs for this.', options)
    case 'invalid':
      return new CloudError('internal', 'The host cannot do what was asked of it.', options)
    case 'conflict':
      return new CloudError('conflict', 'The host reports another state than expected. Try again.', options)
    case 'no_slot':
      return new CloudError(
        'conflict',
        'The running instance has no free slot for another device. Stop and start it, which adds slots.',
        options,
      )
    case 'mounted_later':
      return new CloudError(
        'conflict',
        'The instance was started before the pool of the volume was mounted on its machine, and does not see it. Stop and start the instance, then try again.',
        options,
      )
    case 'too_many_layers':
      return new CloudError(
        'conflict',
        'The volume has as many layers as it may have, each from a snapshot or a copy. Make a new volume of an image or a backup of it.',
        options,
      )
    case 'no_space':
      return new CloudError('no_capacity', 'The host has run out of space.', options)
    case 'unsupported':
      return new CloudError('unsupported', 'This host does not offer that.', options)
    case 'foreign':
      return new CloudError(
        'unavailable',
        'This host takes no orders from this database. An administrator has to look: its docs/operations.md says how, under “Back up, restore”.',
        options,
      )
    case 'unavailable':
    case 'failed':
      return new CloudError(
        'unavailable',
        'The host does not answer as it should. Trying again helps often.',
        options,
      )
  }
}

/** Turns anything thrown into a CloudError; an unknown error becomes `internal` and keeps its cause. */
export function toCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error
  if (isDriverError(error)) return fromDriverError(error)
  const answer = asAnswer(error)
  if (answer instanceof CloudError) return answer
  return new CloudError(
    'internal',
    'Something went wrong on our side. Give the request id to your administrator.',
    {
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    },
  )
}

/** Turns a refusal of the database into a CloudError; returns any other error as it is. */
export function asAnswer(error: unknown): unknown {
  const refused = databaseRefusal(error)
  return refused
    ? new CloudError(refused.code, refused.message, { field: refused.field, cause: error })
    : error
}

function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error && error.name === 'DriverError'
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
/** Cuts and cleans a caller's text before an error quotes it. */
const printable = (text: string) => text.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, 80)
