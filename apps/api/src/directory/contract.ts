import { z } from 'zod'
import { nameInput, pageInput } from '../kernel/contract.ts'

export const roleNames = ['admin', 'member', 'reader'] as const
/** Longer passwords are refused before they are hashed (A22.5). */
export const passwordInput = z
  .string()
  .min(1, 'Type the password.')
  .max(1024, 'A password has at most 1024 characters.')
export const keystoneId = z.string().regex(/^[0-9a-zA-Z_.-]{1,64}$/)

export type ProjectView = {
  id: string
  name: string
  description: string
  domainId: string
  enabled: boolean
  roles: string[]
}

/** The input of procedures directory.<noun>.<verb> that only need an id. */
export const idOf = z.object({ id: keystoneId })
/** Keystone's own limit; longer names are refused before they reach the database. */
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
/** Keystone's options of domains, projects and roles: an immutable thing is neither changed nor deleted. */
export const resourceOptions = z.strictObject({ immutable: z.boolean().nullish() })
export type ResourceOptions = z.output<typeof resourceOptions>

/** How a list is filtered by a text; `insensitive` applies to all four conditions. */
export const textMatch = z.object({
  equals: z.string().max(255).optional(),
  contains: z.string().max(255).optional(),
  startsWith: z.string().max(255).optional(),
  endsWith: z.string().max(255).optional(),
  insensitive: z.boolean().optional(),
})
export type TextMatch = z.output<typeof textMatch>
export const listInput = pageInput.omit({ allProjects: true }).extend({ name: textMatch.optional() })
