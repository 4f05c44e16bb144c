import { z } from 'zod'
import { keystoneId, type ProjectView, passwordInput } from '../directory/contract.ts'

export const signInInput = z.object({
  user: z.string().min(1, 'Type your user name.').max(255),
  password: passwordInput,
  domain: z.string().min(1).max(64).default('Default'),
  /**
   * The code of the authenticator app. When it is needed, the sign-in fails with an error of the field "code" after the
   * right password.
   */
  code: z
    .string()
    .max(32)
    .transform((code) => code.replace(/\s/g, ''))
    .optional(),
})

export type SessionView = {
  user: { id: string; name: string; domainId: string; domainName: string }
  /** Null right after the sign-in of a user without projects, and in a session for a domain or the system. */
  project: { id: string; name: string } | null
  /** The domain that the session is for, when it is for a whole domain. */
  domain: { id: string; name: string } | null
  /** True when the session is for the whole system. */
  system: boolean
  roles: string[]
  /** True when the user may see the pages of administration. */
  admin: boolean
  expiresAt: string
  /** When the password expires; null: never. */
  passwordExpiresAt: string | null
}
/** The text of the token goes to the portal's server only, never to the browser. */
export type IssuedToken = { token: string; session: SessionView }
/** `anchor` is the token of the sign-in itself, which is for no place and ends with the sign-in alone. */
export type SignedIn = IssuedToken & { anchor: string }
/** All places that the caller's session may move to. */
export type PlacesView = {
  projects: ProjectView[]
  domains: { id: string; name: string }[]
  system: boolean
}
/** The place that the session shall move to: a project, a domain or the system. */
export const rescopeInput = z.union([
  z.strictObject({ projectId: keystoneId }),
  z.strictObject({ domainId: keystoneId }),
  z.strictObject({ system: z.literal(true) }),
])

export const sessionListInput = z.object({
  /** When left out, the caller's own sessions are listed. */
  userId: keystoneId.optional(),
  limit: z.number().int().min(1).max(1000).default(200),
})
export const sessionRef = z.object({ id: z.string().regex(/^[\w-]{1,64}$/), userId: keystoneId.optional() })
export type SessionRow = {
  /** The audit id of the sign-in. Ending the session ends every token made from this sign-in. */
  id: string
  methods: string[]
  /** For example "project demo", "domain Default", "the system" or "no project". */
  scope: string
  issuedAt: string
  expiresAt: string
  /** The address and the program of the sign-in; "" when they were not stored. */
  source: string
  userAgent: string
  /** How many tokens of this sign-in are still valid, the first included. */
  tokens: number
  /** True for the session of the caller. */
  current: boolean
  via: 'password' | 'application_credential' | 'trust' | 'ec2' | 'oauth1'
}
/** Newest first. `truncated` says that there are older sessions, which only signing out everywhere ends. */
export type SessionList = { items: SessionRow[]; truncated: boolean }

/** Changes the user's own password, also an expired one. Needs the old password, but no session. */
export const changePasswordInput = z.object({
  user: z.union([
    z.object({ id: keystoneId }),
    z.object({ name: z.string().min(1).max(255), domain: z.string().min(1).max(64) }),
  ]),
  oldPassword: passwordInput,
  password: passwordInput,
})
/** The rules for a new password, which the form shows. */
export type PasswordRules = { minLength: number; history: number; lifetimeDays: number }
