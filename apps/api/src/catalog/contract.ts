import { z } from 'zod'
import { descriptionInput, nameInput } from '../kernel/contract.ts'
import { type Extra, extraInput } from '../openstack/extra.ts'

/** The shapes of services, endpoints and regions of the catalog. This file can be loaded in a browser. */

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

/** The marks in an address that stand for the caller's ids, in all notations of Keystone. */
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
  /** Whether a missing region is made (Keystone's old attribute “region”). */
  makeRegion: z.boolean().default(false),
  extra: extraInput.optional(),
})
export const endpointUpdateInput = endpointInput
  .partial()
  .extend({ id: key, enabled: z.boolean().optional(), makeRegion: z.boolean().optional() })
export const regionInput = z.object({
  /** The id; generated when absent. */
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

/** A service; `builtIn` services follow from the cloud's configuration and cannot be changed. */
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

/** The data that programs need to reach the cloud: its addresses as the caller's token shows them. */
export type AccessView = {
  /** The value of OS_AUTH_URL. */
  authUrl: string
  region: string
  /** The public endpoints. */
  endpoints: { service: string; type: string; url: string }[]
}
