import { randomInt } from 'node:crypto'
import type { z } from 'zod'
import {
  directoryEvent,
  hashPassword,
  lockUser,
  refuseDelegation,
  verifyPassword,
} from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict } from '../../kernel/errors.ts'
import { withinThrottle } from '../sign-in.ts'
import type { disableCodesInput, RecoveryCodes } from './contract.ts'
import { needsCode } from './factors.ts'
import { demandOwnPassword, ownUser } from './own-user.ts'

/** One-time codes for people whose authenticator is lost. */

const howMany = 10
/** No letter that is taken for a digit when it is written down. Ten of them have 49 bits. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
/** The digit says which of the ten it is, so that one hash is looked at and not ten. */
const form = /^(\d)-?([a-z2-9]{5})-?([a-z2-9]{5})$/

const newCode = (position: number): string => {
  const letters = Array.from({ length: 10 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return `${position}-${letters.slice(0, 5)}-${letters.slice(5)}`
}

/** The code as it is hashed, when it has the form of one. */
const read = (text: string): { position: number; code: string } | null => {
  const [, position, ...parts] = form.exec(text.replace(/\s/g, '').toLowerCase()) ?? []
  return position === undefined ? null : { position: Number(position), code: parts.join('') }
}

export const isRecoveryCode = (text: string): boolean => read(text) !== null

/** The id of the user's code that this is, when it has not been used. Takes as long when there is none. */
export async function findRecoveryCode(ctx: Ctx, userId: string, text: string): Promise<string | null> {
  const given = read(text)
  if (!given) return null
  const row = await ctx.db.recoveryCode.findFirst({
    where: { userId, position: given.position, usedAt: null },
  })
  return (await verifyPassword(row?.hash ?? null, given.code)) ? (row?.id ?? null) : null
}

/** Of several who come with the same code at once, one gets in. In the transaction that counts the try. */
export async function spendRecoveryCode(tx: Ctx, userId: string, id: string): Promise<boolean> {
  const { count } = await tx.db.recoveryCode.updateMany({
    where: { id, usedAt: null },
    data: { usedAt: new Date() },
  })
  if (count === 1) await directoryEvent(tx, 'user', 'updated', userId, { recoveryCode: 'used' })
  return count === 1
}

export const recoveryCodesLeft = (ctx: Ctx, userId: string): Promise<number> =>
  ctx.db.recoveryCode.count({ where: { userId, usedAt: null } })

type Made = { text: string; position: number; hash: string }
/** Hashes one code after another, so that a request takes one place in the queue of hashes and not ten (A22.5). */
export async function newRecoveryCodes(): Promise<Made[]> {
  const made: Made[] = []
  for (let position = 0; position < howMany; position++) {
    const text = newCode(position)
    made.push({ text, position, hash: await hashPassword(read(text)?.code ?? '') })
  }
  return made
}

/** The new ones take the place of all that there were. In a transaction that holds the user. */
export async function keepRecoveryCodes(tx: Ctx, userId: string, made: readonly Made[]): Promise<void> {
  await forgetRecoveryCodes(tx, userId)
  await tx.db.recoveryCode.createMany({
    data: made.map(({ position, hash }) => ({ id: crypto.randomUUID(), userId, position, hash })),
  })
  await directoryEvent(tx, 'user', 'updated', userId, { recoveryCodes: 'made' })
}

export const forgetRecoveryCodes = (tx: Ctx, userId: string) =>
  tx.db.recoveryCode.deleteMany({ where: { userId } })

/** Ten new codes, with the password: a session that was left open must not be enough. Shown in this answer alone. */
export async function renewRecoveryCodes(
  ctx: Ctx,
  input: z.output<typeof disableCodesInput>,
  source: string,
): Promise<RecoveryCodes> {
  refuseDelegation(ctx, 'make recovery codes')
  const user = await ownUser(ctx)
  if (!needsCode(user.options))
    throw conflict('This account asks for no codes, so there is nothing to recover from. Turn them on first.')
  await demandOwnPassword(ctx, user.id, input.password, source)
  const made = await withinThrottle(source, newRecoveryCodes)
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    await keepRecoveryCodes(tx, user.id, made)
  })
  return { recoveryCodes: made.map(({ text }) => text) }
}
