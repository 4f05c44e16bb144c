import { randomUUID } from 'node:crypto'
import { RE2JS } from 're2js'
import type { Ctx } from '../kernel/context.ts'
import { invalidInput } from '../kernel/errors.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

/**
 * How many old digests are kept at most, whatever the rules say, because each costs a hash when the password changes.
 */
const keptAtMost = 24

/** Throws invalid_input for a password that breaks this cloud's rules. */
export function checkNewPassword(ctx: Ctx, password: string): void {
  const { minLength, pattern } = ctx.deps.config.passwordRules
  if ([...password].length < minLength)
    throw invalidInput(`A password has at least ${minLength} characters. Choose a longer one.`, 'password')
  // Passwords change rarely and RE2 takes linear time, so the pattern is compiled each time.
  if (pattern && !RE2JS.compile(pattern.expression).matcher(password).find())
    throw invalidInput(pattern.sentence, 'password')
}

/**
 * Throws when the new password is one of the user's last passwords. Takes the time of several hashes, so the caller
 * calls this before the transaction.
 */
export async function checkHistory(
  ctx: Ctx,
  user: { id: string; passwordHash: string | null },
  password: string,
): Promise<void> {
  const { history } = ctx.deps.config.passwordRules
  if (history === 0) return
  const old = await ctx.db.oldPassword.findMany({
    where: { userId: user.id },
    orderBy: { createdAt: 'desc' },
    take: history - 1,
  })
  const hashes = [user.passwordHash, ...old.map((row) => row.hash)].filter((hash) => hash !== null)
  for (const hash of hashes)
    if (await verifyPassword(hash, password))
      throw invalidInput(
        history === 1
          ? 'The new password is the old one. Choose another one.'
          : `You have had this password before. Choose one that is not among your last ${history}.`,
        'password',
      )
}

/** The columns of a user for a new password. `byAdmin` says that an administrator has set the password. */
export async function passwordColumns(
  ctx: Ctx,
  password: string,
  options: { byAdmin: boolean; exempt: boolean },
) {
  const { lifetimeDays, changeFirst } = ctx.deps.config.passwordRules
  const now = new Date()
  const expires = lifetimeDays === 0 ? null : new Date(now.getTime() + lifetimeDays * 86_400_000)
  return {
    passwordHash: await hashPassword(password),
    passwordChangedAt: now,
    passwordExpiresAt: options.byAdmin && changeFirst && !options.exempt ? now : expires,
  }
}

/** Stores the digest that has just been replaced. `ctx.db` is a transaction. */
export async function rememberOldPassword(ctx: Ctx, userId: string, hash: string | null): Promise<void> {
  const keep = Math.min(ctx.deps.config.passwordRules.history - 1, keptAtMost)
  if (hash !== null && keep > 0)
    await ctx.db.oldPassword.create({ data: { id: randomUUID(), userId, hash, createdAt: new Date() } })
  const surplus = await ctx.db.oldPassword.findMany({
    where: { userId },
    orderBy: { createdAt: 'desc' },
    skip: Math.max(keep, 0),
    select: { id: true },
  })
  if (surplus.length > 0)
    await ctx.db.oldPassword.deleteMany({ where: { id: { in: surplus.map((row) => row.id) } } })
}
