import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { lockUser, voidTokens } from '../ending.ts'
import { checkHistory, checkNewPassword, passwordColumns, rememberOldPassword } from '../password-rules.ts'
import { directoryEvent, refuseDelegation } from '../reach.ts'
import { demandNoMore } from '../roles/granting.ts'
import type { resetPasswordInput, UserOptions } from './contract.ts'
import { loadUser } from './load.ts'

/** Sets a password by an administrator; ends every session of the user and every wait. */
export async function resetPassword(ctx: Ctx, input: z.output<typeof resetPasswordInput>): Promise<void> {
  await inTransaction(ctx, await preparedPassword(ctx, input))
}

/**
 * Does all of this but the writing, for a caller who writes more in the same transaction: hashing takes long, and the
 * transaction holds locks. Returns the function that writes.
 */
export async function preparedPassword(
  ctx: Ctx,
  input: z.output<typeof resetPasswordInput>,
): Promise<(tx: Ctx) => Promise<void>> {
  const user = await loadUser(ctx, input.id, 'identity:set_password')
  await demandNoMore(ctx, user)
  refuseDelegation(ctx, 'set passwords')
  if (user.backend !== 'sql') throw keptElsewhere()
  checkNewPassword(ctx, input.password)
  const exempt = (user.options as UserOptions).ignore_change_password_upon_first_use === true
  const columns = await passwordColumns(ctx, input.password, { byAdmin: true, exempt })
  return async (tx) => {
    await lockUser(tx, user.id)
    const before = await tx.db.user.findUnique({ where: { id: user.id }, select: { passwordHash: true } })
    await tx.db.user.update({
      where: { id: user.id },
      data: { ...columns, lockedUntil: null },
    })
    await rememberOldPassword(tx, user.id, before?.passwordHash ?? null)
    await voidTokens(tx, user.id, 'password changed')
    await directoryEvent(tx, 'user', 'updated', user.id)
  }
}

/**
 * Changes a password that its user has just proved. Returns false, and changes nothing, when another request has
 * changed the password since. Ends every session of the user. Throws invalid_input for a password that breaks the
 * rules, and forbidden for a password that is locked or stored in another directory.
 */
export async function exchangePassword(
  ctx: Ctx,
  user: { id: string; passwordHash: string | undefined; options: UserOptions },
  password: string,
): Promise<boolean> {
  const { id, passwordHash } = user
  if (user.options.lock_password)
    throw new CloudError('forbidden', 'This password is locked. Ask an administrator to change it.')
  if (passwordHash === undefined) throw keptElsewhere()
  checkNewPassword(ctx, password)
  await checkHistory(ctx, { id, passwordHash }, password)
  const columns = await passwordColumns(ctx, password, { byAdmin: false, exempt: false })
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, id)
    const { count } = await tx.db.user.updateMany({
      where: { id, passwordHash },
      data: { ...columns, lockedUntil: null },
    })
    if (count === 0) return false
    await rememberOldPassword(tx, id, passwordHash)
    await voidTokens(tx, id, 'password changed')
    await directoryEvent(tx, 'user', 'updated', id)
    return true
  })
}

const keptElsewhere = () =>
  new CloudError('forbidden', 'This password is kept in another directory. Change it there.')
