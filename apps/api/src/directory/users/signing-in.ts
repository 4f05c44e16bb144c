import type { Ctx } from '../../kernel/context.ts'
import { allBackends, type UserRef } from '../backends/backend.ts'
import { hashPassword, needsRehash } from '../passwords.ts'
import { directoryEvent } from '../reach.ts'
import type { UserOptions } from './contract.ts'

/** The columns of a user that the room identity reads and writes at a sign-in. */

/** Within this time after the last sign-in, another sign-in does not write "last active" again. */
const activeEveryMs = 60_000

/**
 * Makes the account wait after too many failures: for so many seconds, only sources that have signed in to it before
 * may sign in.
 */
export async function makeWait(ctx: Ctx, userId: string, seconds: number): Promise<void> {
  await ctx.deps.root.$executeRaw`UPDATE "User"
    SET "lockedUntil" = clock_timestamp() + ${seconds}::int * interval '1 second' WHERE "id" = ${userId}`
}

/**
 * Stores when and from where the user has signed in, and hashes the password again when the parameters of hashing have
 * changed. Returns the digest that is stored now; undefined for users of another back end.
 */
export async function noteSignIn(
  ctx: Ctx,
  user: NonNullable<Awaited<ReturnType<typeof findUser>>>,
  password: string,
  digest: string,
): Promise<string | undefined> {
  const hash = user.backend === 'sql' ? user.passwordHash : null
  const rehashed = hash !== null && needsRehash(hash) ? await hashPassword(password) : null
  const known = user.knownSources[0] === digest
  const seenLately = user.lastActiveAt !== null && Date.now() - user.lastActiveAt.getTime() < activeEveryMs
  if (known && rehashed === null && seenLately) return hash ?? undefined
  const knownSources = [digest, ...user.knownSources.filter((d) => d !== digest)].slice(0, 8)
  const { count } = await ctx.deps.root.user.updateMany({
    where: { id: user.id, passwordHash: user.passwordHash },
    data: {
      lastActiveAt: new Date(),
      knownSources,
      ...(rehashed === null ? {} : { passwordHash: rehashed }),
    },
  })
  return (count > 0 && rehashed !== null ? rehashed : hash) ?? undefined
}

/**
 * The user that a sign-in names, with the columns that a sign-in needs; null when there is none. Asks other back ends
 * first.
 */
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
      lockedUntil: true,
      knownSources: true,
      lastActiveAt: true,
      passwordChangedAt: true,
      passwordExpiresAt: true,
      options: true,
      backend: true,
      externalId: true,
      domain: { select: { enabled: true } },
    },
  })
}

/** PostgreSQL stores neither NUL nor lone surrogates, so a text with these cannot be a stored name. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed() && text.length <= 255

/** A user who has proved who they are, as a token needs it; null for an unknown user and for a user who is disabled. */
export type Signer = {
  id: string
  name: string
  domain: { id: string; name: string }
  passwordHash: string | undefined
  defaultProjectId: string | null
  options: UserOptions
  tokensValidAfter: Date
}
export async function signerById(ctx: Ctx, id: string): Promise<Signer | null> {
  const row = await ctx.db.user.findUnique({
    where: { id, enabled: true, domain: { enabled: true } },
    select: {
      id: true,
      name: true,
      passwordHash: true,
      defaultProjectId: true,
      options: true,
      tokensValidAfter: true,
      domain: { select: { id: true, name: true } },
    },
  })
  return row && { ...row, passwordHash: row.passwordHash ?? undefined, options: row.options as UserOptions }
}

/**
 * Turns the demand for a second factor on or off: `rules` as Keystone's multi_factor_auth_rules, null for none. The
 * count of wrong codes begins again. Runs in a transaction, with the user's row locked.
 */
export async function setFactors(tx: Ctx, userId: string, rules: string[][] | null): Promise<void> {
  const { options } = await tx.db.user.findUniqueOrThrow({ where: { id: userId }, select: { options: true } })
  const {
    multi_factor_auth_enabled: _enabled,
    multi_factor_auth_rules: _rules,
    ...others
  } = options as UserOptions
  await tx.db.user.update({
    where: { id: userId },
    data: {
      options: rules
        ? { ...others, multi_factor_auth_enabled: true, multi_factor_auth_rules: rules }
        : others,
      failedCodes: 0,
      codesWaitUntil: null,
    },
  })
  await directoryEvent(tx, 'user', 'updated', userId, { codes: rules ? 'on' : 'off' })
}

/**
 * Holds a share lock on these users until the transaction ends, and returns the digests of their passwords by id.
 * Sign-out, change of password and disabling lock the same rows exclusively. Disabled users are left out.
 */
export async function shareUsers(
  ctx: Ctx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await ctx.db.$queryRaw<{ id: string; passwordHash: string | null }[]>`
    SELECT "id", "passwordHash" FROM "User" WHERE "enabled" AND "id" = ANY(${[...ids]}) ORDER BY "id" FOR SHARE`
  return new Map(rows.map(({ id, passwordHash }) => [id, passwordHash]))
}

/**
 * Returns the number of wrong codes in a row, and whether codes must wait at the moment. Locks the user's row; null for
 * an unknown user.
 */
export async function lockCodes(
  tx: Ctx,
  userId: string,
): Promise<{ failedCodes: number; waiting: boolean } | null> {
  const [user] = await tx.db.$queryRaw<{ failedCodes: number; waiting: boolean }[]>`
    SELECT "failedCodes", COALESCE("codesWaitUntil" > clock_timestamp(), false) AS "waiting"
    FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  return user ?? null
}

/** Stores the number of wrong codes; `waitMs` says for how long no code is accepted, null for no wait. */
export async function countCodes(
  tx: Ctx,
  userId: string,
  failed: number,
  waitMs: number | null,
): Promise<void> {
  await tx.db.$executeRaw`
    UPDATE "User" SET "failedCodes" = ${failed},
      "codesWaitUntil" = clock_timestamp() + ${waitMs}::int * interval '1 millisecond' WHERE "id" = ${userId}`
}
