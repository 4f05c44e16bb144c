import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { UserRef } from '../backends/backend.ts'
import { lockUser, voidTokens } from '../ending.ts'
import { checkHistory, checkNewPassword, passwordColumns, rememberOldPassword } from '../password-rules.ts'
import { directoryEvent, refuseDelegation } from '../reach.ts'
import { demandNoMore } from '../roles/granting.ts'
import { verifyAnyAge } from '../sign-in.ts'
import { refused, unauthenticated } from '../tokens.ts'
import type { changePasswordInput, PasswordRules, resetPasswordInput, UserOptions } from './contract.ts'
import { loadUser } from './service.ts'

/** What a new password needs; everyone may know before he tries. */
export function passwordRules(ctx: Ctx): PasswordRules {
  const { minLength, history, lifetimeDays } = ctx.deps.config.passwordRules
  return { minLength, history, lifetimeDays }
}

/**
 * One's own password, with the old one, also when that has run out. Counts and waits like a sign-in,
 * so that it is no way around the lock (A16.6). Ends every session of the user.
 */
export async function changePassword(
  ctx: Ctx,
  input: z.output<typeof changePasswordInput>,
  source: string,
): Promise<void> {
  const who: UserRef =
    'id' in input.user ? input.user : { name: input.user.name, domain: { name: input.user.domain } }
  await changePasswordOf(ctx, { who, oldPassword: input.oldPassword, password: input.password }, source)
}

/** The same for callers who name the user's domain by its id. */
export async function changePasswordOf(
  ctx: Ctx,
  input: { who: UserRef; oldPassword: string; password: string },
  source: string,
): Promise<void> {
  const user = await verifyAnyAge(ctx, input.who, input.oldPassword, source).catch((error: unknown) => {
    throw refused(error) ?? wrongPassword()
  })
  const { id, passwordHash } = user
  if (user.options.lock_password)
    throw new CloudError('forbidden', 'This password is locked. Ask an administrator to change it.')
  if (passwordHash === undefined) throw keptElsewhere()
  checkNewPassword(ctx, input.password)
  await checkHistory(ctx, { id, passwordHash }, input.password)
  const columns = await passwordColumns(ctx, input.password, { byAdmin: false, exempt: false })
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, id)
    const { count } = await tx.db.user.updateMany({
      where: { id, passwordHash },
      data: { ...columns, lockedUntil: null },
    })
    // Changed by somebody else since it was checked.
    if (count === 0) throw wrongPassword()
    await rememberOldPassword(tx, id, passwordHash)
    await voidTokens(tx, id, 'password changed')
    await directoryEvent(tx, 'user', 'updated', id)
  })
}

/** The field tells it from the end of a session, which the portal answers with its sign-in page. */
const wrongPassword = () =>
  new CloudError('unauthenticated', unauthenticated().message, { field: 'oldPassword' })

/** Set by an administrator; ends every session and every waiting of the user. */
export async function resetPassword(ctx: Ctx, input: z.output<typeof resetPasswordInput>): Promise<void> {
  const user = await loadUser(ctx, input.id, 'identity:set_password')
  await demandNoMore(ctx, user)
  refuseDelegation(ctx, 'set passwords')
  if (user.backend !== 'sql') throw keptElsewhere()
  checkNewPassword(ctx, input.password)
  const exempt = (user.options as UserOptions).ignore_change_password_upon_first_use === true
  const columns = await passwordColumns(ctx, input.password, { byAdmin: true, exempt })
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    const before = await tx.db.user.findUnique({ where: { id: user.id }, select: { passwordHash: true } })
    await tx.db.user.update({
      where: { id: user.id },
      data: { ...columns, lockedUntil: null },
    })
    await rememberOldPassword(tx, user.id, before?.passwordHash ?? null)
    await voidTokens(tx, user.id, 'password changed')
    await directoryEvent(tx, 'user', 'updated', user.id)
  })
}

const keptElsewhere = () =>
  new CloudError('forbidden', 'This password is kept in another directory. Change it there.')
