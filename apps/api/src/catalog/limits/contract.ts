import { z } from 'zod'
import { key } from '../contract.ts'

/** The shapes of Keystone's unified limits: how much of a resource a project or domain may have. This file can be loaded in a browser. */

export const resourceName = z.string().trim().min(1).max(255)
/** An amount; -1 means unlimited. */
export const amount = z.number().int().min(-1).max(0x7fffffff)
const description = z
  .string()
  .max(255)
  .regex(/^[^\0\p{Cs}]*$/u, 'A description has no NUL characters.')
  .nullish()

export const registeredLimitInput = z.object({
  serviceId: key,
  regionId: key.nullish(),
  resourceName,
  defaultLimit: amount,
  description,
})
export type RegisteredLimitInput = z.output<typeof registeredLimitInput>
export const limitInput = z.object({
  serviceId: key,
  regionId: key.nullish(),
  resourceName,
  /** Exactly one of projectId and domainId must be given. */
  projectId: key.nullish(),
  domainId: key.nullish(),
  resourceLimit: amount,
  description,
})
export type LimitInput = z.output<typeof limitInput>
export const limitUpdateInput = limitInput.pick({ resourceLimit: true, description: true }).partial()

export type LimitFilter = {
  serviceId?: string
  regionId?: string
  resourceName?: string
  projectId?: string
  domainId?: string
}
export type RegisteredLimitView = {
  id: string
  serviceId: string
  regionId: string | null
  resourceName: string
  defaultLimit: number
  description: string | null
}
export type LimitView = {
  id: string
  serviceId: string
  regionId: string | null
  resourceName: string
  projectId: string | null
  domainId: string | null
  resourceLimit: number
  description: string | null
}
