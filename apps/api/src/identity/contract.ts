import { z } from 'zod'
import { keystoneId, type ProjectView, passwordInput } from '../directory/contract.ts'

export const signInInput = z.object({
  user: z.string().min(1, 'Type your user name.').max(255),
  password: passwordInput,
  domain: z.string().min(1).max(64).default('Default'),
  /** Of the authenticator app; asked for by an error of the field "code" once the password was right. */
  code: z
    .string()
    .max(32)
    .transform((code) => code.replace(/\s/g, ''))
    .optional(),
})

export type SessionView = {
  user: { id: string; name: string; domainId: string; domainName: string }
  /** Null right after sign-in of a user without any project, and in a domain or the system. */
  project: { id: string; name: string } | null
  /** The domain that the session is for: its administrator's view. */
  domain: { id: string; name: string } | null
  /** The session is for the system as a whole. */
  system: boolean
  roles: string[]
  /** May see the Admin pages. */
  admin: boolean
  expiresAt: string
  /** When the password runs out; null: never. */
  passwordExpiresAt: string | null
}
/** The token's text goes to the portal's server side only. */
export type IssuedToken = { token: string; session: SessionView }
/** Everywhere that the caller's session may go. */
export type PlacesView = {
  projects: ProjectView[]
  domains: { id: string; name: string }[]
  system: boolean
}
/** Where else a session shall hold: one of a project, a domain, the system. */
export const rescopeInput = z.union([
  z.strictObject({ projectId: keystoneId }),
  z.strictObject({ domainId: keystoneId }),
  z.strictObject({ system: z.literal(true) }),
])

export const sessionListInput = z.object({
  /** Left out: one's own. */
  userId: keystoneId.optional(),
  limit: z.number().int().min(1).max(1000).default(200),
})
export const sessionRef = z.object({ id: z.string().regex(/^[\w-]{1,64}$/), userId: keystoneId.optional() })
export type SessionRow = {
  /** Audit id of the sign-in; ends with everything made from it. */
  id: string
  methods: string[]
  /** "project demo", "domain Default", "the system", "no project". */
  scope: string
  issuedAt: string
  expiresAt: string
  /** Address and program of the sign-in; "" when they were not kept. */
  source: string
  userAgent: string
  /** Tokens made from it that are still good, itself included. */
  tokens: number
  /** The session that asks. */
  current: boolean
  via: 'password' | 'application_credential' | 'trust' | 'ec2' | 'oauth1'
}
/** Newest first; `truncated`: there are older ones, which only signing out everywhere ends. */
export type SessionList = { items: SessionRow[]; truncated: boolean }

/** One's own, also when it has run out; needs no session but the old password. */
export const changePasswordInput = z.object({
  user: z.union([
    z.object({ id: keystoneId }),
    z.object({ name: z.string().min(1).max(255), domain: z.string().min(1).max(64) }),
  ]),
  oldPassword: passwordInput,
  password: passwordInput,
})
/** What a new password needs, for the form. */
export type PasswordRules = { minLength: number; history: number; lifetimeDays: number }
