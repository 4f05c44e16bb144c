import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'
import { identityName, keystoneId, listInput, passwordInput } from '../contract.ts'

/** Users and groups. Browser-safe. */

export const userOptions = z.strictObject({
  ignore_change_password_upon_first_use: z.boolean().nullish(),
  ignore_password_expiry: z.boolean().nullish(),
  ignore_lockout_failure_attempts: z.boolean().nullish(),
  ignore_user_inactivity: z.boolean().nullish(),
  lock_password: z.boolean().nullish(),
  multi_factor_auth_enabled: z.boolean().nullish(),
  /** Each inner list is a combination of methods that is enough to sign in. */
  multi_factor_auth_rules: z
    .array(z.array(z.string().max(64)).min(1).max(8))
    .max(16)
    .nullish(),
})
export type UserOptions = z.output<typeof userOptions>
export const userListInput = listInput.extend({
  domainId: keystoneId.optional(),
  enabled: z.boolean().optional(),
  groupId: keystoneId.optional(),
  /** Passwords that expire before, at or after a time. */
  passwordExpires: z
    .object({ operator: z.enum(['lt', 'lte', 'gt', 'gte', 'eq', 'neq']), at: z.iso.datetime() })
    .optional(),
})
export type UserListInput = z.output<typeof userListInput>
export const userInput = z.object({
  name: identityName,
  domainId: keystoneId.optional(),
  /** Without a password, the user cannot sign in by password. */
  password: passwordInput.optional(),
  /** Any text, as in Keystone; forms check the address. */
  email: z.string().max(1000, 'An e-mail address has at most 1000 characters.').nullish(),
  description: descriptionInput.default(''),
  defaultProjectId: keystoneId.nullish(),
  enabled: z.boolean().default(true),
  options: userOptions.optional(),
  extra: extraInput.optional(),
})
export type UserInput = z.input<typeof userInput>
const formEmail = z
  .union([z.email('This is no e-mail address.').max(255), z.literal('')])
  .nullable()
  .transform((text) => text || null)
  .optional()
/** The input of forms, which refuse an e-mail address that does not look like one. */
export const userFormInput = userInput.extend({ email: formEmail })
export const userUpdateInput = z.object({
  id: keystoneId,
  name: identityName.optional(),
  email: userInput.shape.email,
  description: descriptionInput.optional(),
  defaultProjectId: keystoneId.nullish(),
  enabled: z.boolean().optional(),
  /** Options that are named are set; null removes an option. */
  options: userOptions.optional(),
  extra: extraInput.optional(),
})
export const userFormUpdateInput = userUpdateInput.extend({ email: formEmail })
export const resetPasswordInput = z.object({ id: keystoneId, password: passwordInput })
export type UserView = {
  id: string
  name: string
  domainId: string
  domainName: string
  email: string | null
  description: string
  enabled: boolean
  defaultProjectId: string | null
  /** "sql", or the back end that checks the password. */
  backend: string
  hasPassword: boolean
  passwordExpiresAt: string | null
  /** Until when the user must wait after failed sign-ins; null when they need not wait. */
  lockedUntil: string | null
  lastActiveAt: string | null
  options: UserOptions
  extra: Extra
  createdAt: string
}

export const groupListInput = listInput.extend({
  domainId: keystoneId.optional(),
  userId: keystoneId.optional(),
})
export type GroupListInput = z.output<typeof groupListInput>
export const groupInput = z.object({
  name: identityName.max(64, 'The name of a group has at most 64 characters.'),
  domainId: keystoneId.optional(),
  description: descriptionInput.default(''),
  extra: extraInput.optional(),
})
export const groupUpdateInput = z.object({
  id: keystoneId,
  name: groupInput.shape.name.optional(),
  description: descriptionInput.optional(),
  extra: extraInput.optional(),
})
export const membershipInput = z.object({ groupId: keystoneId, userId: keystoneId })
export type GroupView = {
  id: string
  name: string
  domainId: string
  domainName: string
  description: string
  extra: Extra
  members: number
  createdAt: string
}
