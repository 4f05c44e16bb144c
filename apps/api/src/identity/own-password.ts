import type { z } from 'zod'
import { exchangePassword, type UserRef } from '../directory/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import type { changePasswordInput, PasswordRules } from './contract.ts'
import { verifyAnyAge } from './sign-in.ts'
import { refused, unauthenticated } from './tokens.ts'

/** The rules for a new password; everyone may know them before they try. */
export function passwordRules(ctx: Ctx): PasswordRules {
  const { minLength, history, lifetimeDays } = ctx.deps.config.passwordRules
  return { minLength, history, lifetimeDays }
}

/**
 * Changes the user's own password, with the old password, which may have expired. Failures count and wait like those of
 * sign-ins, so that this is no way around the lock (A16.6). Ends every session of the user.
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

/** Changes a password like changePassword, for callers who name the domain of the user by its id. */
export async function changePasswordOf(
  ctx: Ctx,
  input: { who: UserRef; oldPassword: string; password: string },
  source: string,
): Promise<void> {
  const user = await verifyAnyAge(ctx, input.who, input.oldPassword, source).catch((error: unknown) => {
    throw refused(error) ?? wrongPassword()
  })
  // False means that another request has changed the password since it was verified.
  if (!(await exchangePassword(ctx, user, input.password))) throw wrongPassword()
}

/** The field tells this error from the end of a session, which the portal answers with its sign-in page. */
const wrongPassword = () =>
  new CloudError('unauthenticated', unauthenticated().message, { field: 'oldPassword' })
