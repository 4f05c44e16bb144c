import { setTimeout as sleep } from 'node:timers/promises'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, toCloudError } from '../kernel/errors.ts'
import { allBackends, type UserRef, verifyPasswordOf } from './backends/backend.ts'
import { hashPassword, needsRehash } from './passwords.ts'
import { SourceThrottle, sourceDigest } from './throttle.ts'
import { unauthenticated } from './tokens.ts'
import type { UserOptions } from './users/contract.ts'

export type VerifiedUser = {
  id: string
  domainId: string
  /** To hand to issueToken; undefined for users of another back end, which has the password. */
  passwordHash: string | undefined
  defaultProjectId: string | null
  options: UserOptions
}

/** Told only to who knows the password. */
export class PasswordExpired extends CloudError {
  readonly userId: string
  constructor(userId: string) {
    super('unauthenticated', 'Your password has run out. Change it, then sign in.', { field: 'password' })
    this.userId = userId
  }
}

/** How long an account waits after too many failures in a row. */
const firstLockMs = 15_000
const longestLockMs = 5 * 60_000
/** How fine "last active" is: a sign-in within it writes nothing. */
const activeEveryMs = 3600_000
/**
 * Every failed sign-in is answered this much later than its hash took; what is written down about
 * a known user happens meanwhile and shows in no clock (A16.1).
 */
const failureDelayMs = 100

const throttle = new SourceThrottle()

/**
 * Checks a password. Throws the same `unauthenticated` after the same work for an unknown user, a
 * wrong password, a disabled or waiting account; `unavailable` for a source that fails too often.
 * A waiting account is never extended by tries made meanwhile, and sources that have signed in to
 * it before are spared, so nobody can be locked out for ever by a stranger (A16.6).
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

/** The same for a password that may have run out: it is still good to change it. */
export async function verifyAnyAge(
  ctx: Ctx,
  who: UserRef,
  password: string,
  source: string,
): Promise<VerifiedUser & { passwordExpiresAt: Date | null }> {
  return throttle.attempt(source, () => verify(ctx, who, password, source))
}

async function verify(ctx: Ctx, who: UserRef, password: string, source: string) {
  const user = await findUser(ctx, who)
  const correct = await verifyPasswordOf(ctx, user, password)
  const digest = user ? sourceDigest(user.id, source) : ''
  const options = (user?.options ?? {}) as UserOptions
  const waiting = user?.lockedUntil != null && user.lockedUntil > new Date()
  const blocked = waiting && !options.ignore_lockout_failure_attempts && !user.knownSources.includes(digest)
  const usable = user?.enabled === true && user.domain.enabled
  if (!correct || blocked || !usable || !user) {
    throttle.failed(source)
    await failSlowly(ctx, user && usable && !correct && !waiting ? user : null)
    throw unauthenticated()
  }
  const passwordHash = await settleSuccess(ctx, user, password, digest)
  const { id, domainId, defaultProjectId, passwordExpiresAt } = user
  return { id, domainId, passwordHash, defaultProjectId, options, passwordExpiresAt }
}

/** For other proofs than a password: the same throttle, delay and sentence for whatever is wrong. */
export async function proving<T>(ctx: Ctx, source: string, prove: () => Promise<T | null>): Promise<T> {
  return throttle.attempt(source, async () => {
    const proven = await prove()
    if (proven !== null) return proven
    throttle.failed(source)
    await failSlowly(ctx, null)
    throw unauthenticated()
  })
}

/** Answers a refusal with the same delay as a wrong password, e.g. for a project that is not there. */
export async function failSlowly(ctx: Ctx, user: { id: string } | null): Promise<void> {
  const write = user ? countFailure(ctx, user.id) : Promise.resolve()
  const written = write.catch((error: unknown) =>
    ctx.log.error({ err: toCloudError(error) }, 'a failed sign-in could not be counted'),
  )
  await Promise.all([written, sleep(failureDelayMs)])
}

async function countFailure(ctx: Ctx, userId: string): Promise<void> {
  const freeFailures = ctx.deps.config.passwordRules.lockoutFailures
  await ctx.deps.root.$executeRaw`
    UPDATE "User" SET "failedSignIns" = LEAST("failedSignIns" + 1, 1000),
      "lockedUntil" = CASE WHEN "failedSignIns" + 1 >= ${freeFailures}::int
        THEN clock_timestamp() + LEAST(${firstLockMs}::int * power(2, LEAST("failedSignIns" + 1 - ${freeFailures}::int, 10)),
             ${longestLockMs}::int) * interval '1 millisecond'
        ELSE NULL END
    WHERE "id" = ${userId}`
}

async function settleSuccess(
  ctx: Ctx,
  user: NonNullable<Awaited<ReturnType<typeof findUser>>>,
  password: string,
  digest: string,
): Promise<string | undefined> {
  const hash = user.backend === 'sql' ? user.passwordHash : null
  const rehashed = hash !== null && needsRehash(hash) ? await hashPassword(password) : null
  const known = user.knownSources[0] === digest
  const seenToday = user.lastActiveAt !== null && Date.now() - user.lastActiveAt.getTime() < activeEveryMs
  if (user.failedSignIns === 0 && user.lockedUntil === null && known && rehashed === null && seenToday)
    return hash ?? undefined
  const knownSources = [digest, ...user.knownSources.filter((d) => d !== digest)].slice(0, 8)
  const { count } = await ctx.deps.root.user.updateMany({
    where: { id: user.id, passwordHash: user.passwordHash },
    data: {
      failedSignIns: 0,
      lockedUntil: null,
      lastActiveAt: new Date(),
      knownSources,
      ...(rehashed === null ? {} : { passwordHash: rehashed }),
    },
  })
  return (count > 0 && rehashed !== null ? rehashed : hash) ?? undefined
}

export async function findUser(ctx: Ctx, who: UserRef) {
  const texts = 'id' in who ? [who.id] : [who.name, ...Object.values(who.domain)]
  if (!texts.every(isStorable)) return null
  for (const backend of allBackends()) await backend.refresh(ctx, who)
  return ctx.db.user.findFirst({
    where: 'id' in who ? { id: who.id } : { name: who.name, domain: who.domain },
    select: {
      id: true,
      domainId: true,
      enabled: true,
      passwordHash: true,
      defaultProjectId: true,
      failedSignIns: true,
      lockedUntil: true,
      knownSources: true,
      lastActiveAt: true,
      passwordExpiresAt: true,
      options: true,
      backend: true,
      externalId: true,
      domain: { select: { enabled: true } },
    },
  })
}

/** PostgreSQL takes neither NUL nor half surrogates; what it cannot hold cannot be a name in it. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed() && text.length <= 255
