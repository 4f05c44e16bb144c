import { z } from 'zod'

export const roleNames = ['admin', 'member', 'reader'] as const
/** admin implies member implies reader. */
export const impliedRoles: Record<string, readonly string[]> = {
  admin: ['member', 'reader'],
  member: ['reader'],
  reader: [],
}

/** Longer passwords are refused before they are hashed (catalogue A22.5). */
export const passwordInput = z
  .string()
  .min(1, 'Type the password.')
  .max(1024, 'A password has at most 1024 characters.')
export const keystoneId = z.string().regex(/^[0-9a-zA-Z_.-]{1,64}$/)

export const signInInput = z.object({
  user: z.string().min(1, 'Type your user name.').max(255),
  password: passwordInput,
  domain: z.string().min(1).max(64).default('Default'),
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
  /** Null right after sign-in of a user without any project. */
  project: { id: string; name: string } | null
  roles: string[]
  /** May see the Admin pages. */
  admin: boolean
  expiresAt: string
}
/** The token's text goes to the portal's server side only. */
export type IssuedToken = { token: string; session: SessionView }
export const rescopeInput = z.object({ projectId: keystoneId })
