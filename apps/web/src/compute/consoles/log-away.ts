import { cloudError } from '../../kit/errors.ts'

/** The event stream does not carry a guest's output, so the page asks for the log while somebody follows it. */
const followEveryMs = 2_000
/** The interval for a machine that does not answer: each request to it takes some seconds. */
export const awayEveryMs = 5_000

/**
 * Answers whether the machine or the cloud cannot be reached now: the log that was read before stays on the page, and
 * the page asks again.
 */
export const isAway = (error: unknown): boolean => Boolean(error) && cloudError(error).retryable

export function askAgainMs(error: unknown, isFollowed: boolean): number | false {
  if (isAway(error)) return awayEveryMs
  return isFollowed ? followEveryMs : false
}
