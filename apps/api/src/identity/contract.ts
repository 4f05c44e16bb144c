import { z } from 'zod'
import { nameInput, pageInput } from '../kernel/contract.ts'

export const roleNames = ['admin', 'member', 'reader'] as const
/** Longer passwords are refused before they are hashed (A22.5). */
export const passwordInput = z
  .string()
  .min(1, 'Type the password.')
  .max(1024, 'A password has at most 1024 characters.')
export const keystoneId = z.string().regex(/^[0-9a-zA-Z_.-]{1,64}$/)

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

export type ProjectView = {
  id: string
  name: string
  description: string
  domainId: string
  enabled: boolean
  roles: string[]
}
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

/** Procedures identity.<noun>.<verb> for administrators of the cloud and of a domain. */
export const idOf = z.object({ id: keystoneId })
/** Keystone's own bound; longer ones are refused before they reach the database. */
export const identityName = nameInput.max(255)
export const tagInput = z
  .string()
  .min(1)
  .max(255, 'A tag has at most 255 characters.')
  .regex(/^[^/,\p{Cc}\p{Cs}]+$/u, 'A tag has no slash, comma or control character.')
export const tagsInput = z
  .array(tagInput)
  .max(80, 'At most 80 tags.')
  .refine((tags) => new Set(tags).size === tags.length, 'Every tag counts once: leave out the second.')
/** Keystone's options of domains, projects and roles: what is immutable is neither changed nor deleted. */
export const resourceOptions = z.strictObject({ immutable: z.boolean().nullish() })
export type ResourceOptions = z.output<typeof resourceOptions>

/** How a list narrows by a text; `insensitive` counts for all of them. */
export const textMatch = z.object({
  equals: z.string().max(255).optional(),
  contains: z.string().max(255).optional(),
  startsWith: z.string().max(255).optional(),
  endsWith: z.string().max(255).optional(),
  insensitive: z.boolean().optional(),
})
export type TextMatch = z.output<typeof textMatch>
export const listInput = pageInput.omit({ allProjects: true }).extend({ name: textMatch.optional() })
