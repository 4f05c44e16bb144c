import { setTimeout as sleep } from 'node:timers/promises'
import { findUser, makeWait, noteSignIn, type UserRef, verifyPasswordOf } from '../directory/service.ts'
import type { UserOptions } from '../directory/users/contract.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, toCloudError } from '../kernel/errors.ts'
import { type Subject, signInLimits, subjectOf } from './limits.ts'
import { SourceThrottle, sourceDigest } from './throttle.ts'
import { unauthenticated } from './tokens.ts'

export type VerifiedUser = {
  id: string
  domainId: string
  /** For issueToken; undefined for users of another back end, which has the password. */
  passwordHash: string | undefined
  defaultProjectId: string | null
  options: UserOptions
}

/** Thrown only after the right password, so that nobody else learns of the expiry. */
export class PasswordExpired extends CloudError {
  readonly userId: string
  constructor(userId: string) {
    super('unauthenticated', 'Your password has run out. Change it, then sign in.', { field: 'password' })
    this.userId = userId
  }
}

/**
 * Every failed sign-in is answered this much later than its hash took. The failure is written meanwhile, so that the
 * write does not change the time of the answer (A16.1).
 */
const failureDelayMs = 100

const throttle = new SourceThrottle()

/** For work that costs as much as a sign-in: one source has a few of these under way, and the others are refused. */
export const withinThrottle = <T>(source: string, work: () => Promise<T>): Promise<T> =>
  throttle.attempt(source, work)

/**
 * Verifies a password. Throws the same `unauthenticated` after the same work for an unknown user, a wrong password, and
 * a disabled or waiting account; throws `unavailable` for a source that fails too often. Tries during a wait do not
 * make the wait longer. A single source makes only itself wait, and a wait caused by many sources spares those that
 * have signed in to the account before (A16.6, limits.ts).
 */
export async function verifySignIn(
  ctx: Ctx,
  who: UserRef,
  password: string,
  source: string,
): Promise<VerifiedUser> {
  const { passwordExpiresAt, ...user } = await verifyAnyAge(ctx, who, password, source)
  if (passwordExpiresAt !== null && passwordExpiresAt <= new Date() && !user.options.ignore_password_expiry) {
    await failSlowly(ctx, null)
    throw new PasswordExpired(user.id)
  }
  return user
}

/**
 * Verifies a password like verifySignIn, but also accepts an expired password, with which the user may still change it.
 */
export async function verifyAnyAge(
  ctx: Ctx,
  who: UserRef,
  password: string,
  source: string,
): Promise<VerifiedUser & { passwordExpiresAt: Date | null }> {
  return throttle.attempt(source, async () => {
    await signInLimits(ctx.deps).demandFree(source)
    return verify(ctx, who, password, source)
  })
}

async function verify(ctx: Ctx, who: UserRef, password: string, source: string) {
  const user = await findUser(ctx, who)
  const subject = subjectOf(user, who)
  const [correct, before] = await Promise.all([
    verifyPasswordOf(ctx, user, password),
    signInLimits(ctx.deps).tried(subject, source),
  ])
  const options = (user?.options ?? {}) as UserOptions
  const digest = user ? sourceDigest(user.id, source) : ''
  const known = user?.knownSources.includes(digest) === true
  const waits = before.waits || (user?.lockedUntil != null && user.lockedUntil > new Date() && !known)
  const blocked = waits && !options.ignore_lockout_failure_attempts
  const usable = user?.enabled === true && user.domain.enabled
  if (!correct || blocked || !usable || !user) {
    const counted = !correct && !waits ? countFailure(ctx, user, subject, source, known) : undefined
    await failSlowly(ctx, source, counted)
    throw unauthenticated()
  }
  if (before.failed) await signInLimits(ctx.deps).forget(subject, source)
  const passwordHash = await noteSignIn(ctx, user, password, digest)
  const { id, domainId, defaultProjectId, passwordExpiresAt } = user
  return { id, domainId, passwordHash, defaultProjectId, options, passwordExpiresAt }
}

/** Checks proofs other than a password, with the same limit, delay and sentence for every wrong proof. */
export async function proving<T>(ctx: Ctx, source: string, prove: () => Promise<T | null>): Promise<T> {
  return throttle.attempt(source, async () => {
    await signInLimits(ctx.deps).demandFree(source)
    const proven = await prove()
    if (proven !== null) return proven
    await failSlowly(ctx, source)
    throw unauthenticated()
  })
}

/**
 * Delays a refusal as long as a wrong password, e.g. for an unknown project. `source` is null where nothing was
 * guessed.
 */
export async function failSlowly(ctx: Ctx, source: string | null, counted?: Promise<void>): Promise<void> {
  const writes = [counted, source === null ? undefined : signInLimits(ctx.deps).sourceFailed(source)]
  const written = Promise.all(writes).catch((error: unknown) =>
    ctx.log.error({ err: toCloudError(error) }, 'a failed sign-in could not be counted'),
  )
  await Promise.all([written, sleep(failureDelayMs)])
}

/** Failures at unknown names are counted, too, so that both take the same work. */
async function countFailure(
  ctx: Ctx,
  user: { id: string } | null,
  subject: Subject,
  source: string,
  known: boolean,
): Promise<void> {
  const wait = await signInLimits(ctx.deps).failed(subject, source, known)
  if (user && wait > 0) await makeWait(ctx, user.id, wait)
}
