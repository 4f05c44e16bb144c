import { z } from 'zod'
import { descriptionInput, nameInput } from '../kernel/contract.ts'
import { type Extra, extraInput } from '../openstack/extra.ts'

/** Services, endpoints and regions of the catalog. Browser-safe. */

export const key = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^[^/?#\p{Cc}\p{Cs}]+$/u, 'An id has no slash, question mark or control character.')
const type = z
  .string()
  .trim()
  .min(1, 'Give the type of the service, e.g. “dns”.')
  .max(255)
  .regex(/^[\w.:-]+$/, 'A type is letters, digits, dots, dashes and underscores.')
export const interfaces = ['public', 'internal', 'admin'] as const

/** What may stand in an address for the caller's own values, in all of Keystone's notations. */
export const urlMarks = /[%$]\((project_id|tenant_id|user_id)\)s/g
const url = z
  .string()
  .trim()
  .min(1)
  .max(2000)
  .refine((text) => {
    const plain = text.replace(urlMarks, 'x')
    return URL.canParse(plain) && /^https?:\/\//i.test(plain) && !/[\s"<>\\^`{|}$]|%\(/.test(plain)
  }, 'An address begins with http:// or https://; of marks it may have %(project_id)s, %(tenant_id)s and %(user_id)s.')

export const refInput = z.object({ id: key })
export const serviceListInput = z.object({ type: z.string().optional(), name: z.string().optional() })
export const serviceInput = z.object({
  type,
  name: z.union([nameInput, z.literal('')]).default(''),
  description: descriptionInput.default(''),
  enabled: z.boolean().default(true),
  extra: extraInput.optional(),
})
export const serviceUpdateInput = z.object({
  id: key,
  type: type.optional(),
  name: z.union([nameInput, z.literal('')]).optional(),
  description: descriptionInput.optional(),
  enabled: z.boolean().optional(),
  extra: extraInput.optional(),
})
export const endpointListInput = z.object({
  serviceId: z.string().optional(),
  interface: z.string().optional(),
  regionId: z.string().optional(),
})
export const endpointInput = z.object({
  serviceId: key,
  interface: z.enum(interfaces),
  url,
  regionId: key.nullish(),
  enabled: z.boolean().default(true),
  /** Make the region when it is not there (Keystone's old attribute “region”). */
  makeRegion: z.boolean().default(false),
  extra: extraInput.optional(),
})
export const endpointUpdateInput = endpointInput
  .partial()
  .extend({ id: key, enabled: z.boolean().optional(), makeRegion: z.boolean().optional() })
export const regionInput = z.object({
  /** Left out: one is made up. */
  id: key.optional(),
  description: descriptionInput.default(''),
  parentRegionId: key.nullish(),
  extra: extraInput.optional(),
})
export const regionUpdateInput = z.object({
  id: key,
  description: descriptionInput.optional(),
  parentRegionId: key.nullish(),
  extra: extraInput.optional(),
})

/** `builtIn`: one of the cloud's own, from its configuration; it is never changed. */
export type ServiceView = {
  id: string
  type: string
  name: string
  description: string
  enabled: boolean
  extra: Extra
  builtIn: boolean
}
export type EndpointView = {
  id: string
  serviceId: string
  interface: string
  url: string
  regionId: string | null
  enabled: boolean
  extra: Extra
  builtIn: boolean
}
export type RegionView = {
  id: string
  description: string
  parentRegionId: string | null
  extra: Extra
  builtIn: boolean
}

/** How programs reach the cloud, and what a token of the caller's session shows them. */
export type AccessView = {
  /** For OS_AUTH_URL. */
  authUrl: string
  region: string
  /** The public addresses. */
  endpoints: { service: string; type: string; url: string }[]
}
