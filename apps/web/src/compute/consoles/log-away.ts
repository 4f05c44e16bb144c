import { cloudError } from '../../kit/errors.ts'

/** The event stream does not carry what a guest prints: while somebody follows, we ask. */
const followEveryMs = 2_000
/** Asked of a machine that does not answer, which takes some seconds. */
export const awayEveryMs = 5_000

/** Its machine (or we) cannot be reached now: what was read before is shown, and it is tried again. */
export const isAway = (error: unknown): boolean => Boolean(error) && cloudError(error).retryable

export function askAgainMs(error: unknown, isFollowed: boolean): number | false {
  if (isAway(error)) return awayEveryMs
  return isFollowed ? followEveryMs : false
}
