import type { Ctx } from '../../kernel/context.ts'
import { allBackends, type UserRef } from '../backends/backend.ts'
import { hashPassword, needsRehash } from '../passwords.ts'
import { directoryEvent } from '../reach.ts'
import type { UserOptions } from './contract.ts'

/** What the room identity reads and writes of a user who signs in. */

/** How fine "last active" is: a sign-in within it writes nothing. */
const activeEveryMs = 60_000

/** After too many failures: nobody signs in as this user for so many seconds, but from where they have before. */
export async function makeWait(ctx: Ctx, userId: string, seconds: number): Promise<void> {
  await ctx.deps.root.$executeRaw`UPDATE "User"
    SET "lockedUntil" = clock_timestamp() + ${seconds}::int * interval '1 second' WHERE "id" = ${userId}`
}

/**
 * Keeps when and from where somebody has signed in, and hashes the password anew when the way of hashing has
 * changed. Returns the digest that is kept now; undefined for users of another back end.
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

/** The one who is named, as far as a sign-in asks; null when there is nobody. Other back ends are asked first. */
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

/** PostgreSQL takes neither NUL nor half surrogates; what it cannot hold cannot be a name in it. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed() && text.length <= 255

/** Somebody who has proved who they are, as a token needs it; null for nobody and for a user who may not act now. */
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
 * Turns the demand for a second factor on or off: `rules` as Keystone's multi_factor_auth_rules, null for none.
 * Wrong codes of before are forgotten. In a transaction, with the user's row locked.
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
 * Holds a share lock on these users until the transaction ends, and returns the digests of their passwords by id:
 * sign-out, password change and disabling lock the same rows for themselves. Users who are disabled are left out.
 */
export async function shareUsers(
  ctx: Ctx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await ctx.db.$queryRaw<{ id: string; passwordHash: string | null }[]>`
    SELECT "id", "passwordHash" FROM "User" WHERE "enabled" AND "id" = ANY(${[...ids]}) ORDER BY "id" FOR SHARE`
  return new Map(rows.map(({ id, passwordHash }) => [id, passwordHash]))
}

/** Wrong codes of the second factor in a row, and whether none is taken at the moment. Locks the user; null for nobody. */
export async function lockCodes(
  tx: Ctx,
  userId: string,
): Promise<{ failedCodes: number; waiting: boolean } | null> {
  const [user] = await tx.db.$queryRaw<{ failedCodes: number; waiting: boolean }[]>`
    SELECT "failedCodes", COALESCE("codesWaitUntil" > clock_timestamp(), false) AS "waiting"
    FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  return user ?? null
}

/** Keeps the number of wrong codes; `waitMs`: how long none is taken, null for no wait. */
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
