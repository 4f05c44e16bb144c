import { setTimeout as sleep } from 'node:timers/promises'
import type { Ctx } from '../kernel/context.ts'
import { toCloudError } from '../kernel/errors.ts'
import { hashPassword, needsRehash, verifyPassword } from './passwords.ts'
import { SourceThrottle, sourceDigest } from './throttle.ts'
import { unauthenticated } from './tokens.ts'

/** How a caller names a user: by id, or by name within a domain. */
export type UserRef = { id: string } | { name: string; domain: { id: string } | { name: string } }
export type VerifiedUser = {
  id: string
  domainId: string
  passwordHash: string
  defaultProjectId: string | null
}

/** Failures in a row before the account waits, and how long at most. */
const freeFailures = 5
const firstLockMs = 15_000
const longestLockMs = 5 * 60_000
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
  return throttle.attempt(source, () => verify(ctx, who, password, source))
}

async function verify(ctx: Ctx, who: UserRef, password: string, source: string): Promise<VerifiedUser> {
  const user = await findUser(ctx, who)
  const correct = await verifyPassword(user?.passwordHash ?? null, password)
  const digest = user ? sourceDigest(user.id, source) : ''
  const waiting = user?.lockedUntil != null && user.lockedUntil > new Date()
  const blocked = waiting && !user.knownSources.includes(digest)
  const usable = user?.enabled === true && user.domain.enabled
  if (!correct || blocked || !usable || !user?.passwordHash) {
    throttle.failed(source)
    await failSlowly(ctx, user && usable && !correct && !waiting ? user : null)
    throw unauthenticated()
  }
  const passwordHash = await settleSuccess(
    ctx,
    { ...user, passwordHash: user.passwordHash },
    password,
    digest,
  )
  return { id: user.id, domainId: user.domainId, passwordHash, defaultProjectId: user.defaultProjectId }
}

/** Answers a refusal with the same delay as a wrong password, e.g. for a project that is not there. */
export async function failSlowly(
  ctx: Ctx,
  user: { id: string; failedSignIns: number } | null,
): Promise<void> {
  const write = user ? countFailure(ctx, user.id) : Promise.resolve()
  const written = write.catch((error: unknown) =>
    ctx.log.error({ err: toCloudError(error) }, 'a failed sign-in could not be counted'),
  )
  await Promise.all([written, sleep(failureDelayMs)])
}

async function countFailure(ctx: Ctx, userId: string): Promise<void> {
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
  user: {
    id: string
    passwordHash: string
    failedSignIns: number
    lockedUntil: Date | null
    knownSources: string[]
  },
  password: string,
  digest: string,
): Promise<string> {
  const rehashed = needsRehash(user.passwordHash) ? await hashPassword(password) : null
  const known = user.knownSources[0] === digest
  if (user.failedSignIns === 0 && user.lockedUntil === null && known && rehashed === null)
    return user.passwordHash
  const knownSources = [digest, ...user.knownSources.filter((d) => d !== digest)].slice(0, 8)
  const { count } = await ctx.deps.root.user.updateMany({
    where: { id: user.id, passwordHash: user.passwordHash },
    data: {
      failedSignIns: 0,
      lockedUntil: null,
      knownSources,
      ...(rehashed === null ? {} : { passwordHash: rehashed }),
    },
  })
  return count > 0 && rehashed !== null ? rehashed : user.passwordHash
}

async function findUser(ctx: Ctx, who: UserRef) {
  const texts = 'id' in who ? [who.id] : [who.name, ...Object.values(who.domain)]
  if (!texts.every(isStorable)) return null
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
      domain: { select: { enabled: true } },
    },
  })
}

/** PostgreSQL takes neither NUL nor half surrogates; what it cannot hold cannot be a name in it. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed() && text.length <= 255
