import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'
import {
  identityName,
  keystoneId,
  listInput,
  type ResourceOptions,
  resourceOptions,
  tagsInput,
} from '../contract.ts'

/** Domains and projects. Browser-safe. */

export const domainListInput = listInput.extend({ enabled: z.boolean().optional() })
export type DomainListInput = z.output<typeof domainListInput>
export const domainInput = z.object({
  name: identityName.max(64, 'The name of a domain has at most 64 characters.'),
  description: descriptionInput.default(''),
  enabled: z.boolean().default(true),
  tags: tagsInput.optional(),
  options: resourceOptions.optional(),
  extra: extraInput.optional(),
})
export const domainUpdateInput = domainInput
  .partial()
  .extend({ id: keystoneId, description: descriptionInput.optional(), enabled: z.boolean().optional() })
export type DomainView = {
  id: string
  name: string
  description: string
  enabled: boolean
  tags: string[]
  options: ResourceOptions
  extra: Extra
  createdAt: string
  projects: number
  users: number
}

export const projectListInput = listInput.extend({
  domainId: keystoneId.optional(),
  parentId: keystoneId.optional(),
  enabled: z.boolean().optional(),
  /** False: without those that are being deleted. */
  deleting: z.boolean().optional(),
  tags: z.array(z.string().max(255)).max(80).optional(),
  tagsAny: z.array(z.string().max(255)).max(80).optional(),
  notTags: z.array(z.string().max(255)).max(80).optional(),
  notTagsAny: z.array(z.string().max(255)).max(80).optional(),
})
export type ProjectListInput = z.output<typeof projectListInput>
export const projectInput = z.object({
  name: identityName.max(64, 'The name of a project has at most 64 characters.'),
  description: descriptionInput.default(''),
  /** Left out: the domain of the parent, of the session, else Default. */
  domainId: keystoneId.optional(),
  /** A project of the same domain; left out: directly below the domain. */
  parentId: keystoneId.optional(),
  enabled: z.boolean().default(true),
  tags: tagsInput.optional(),
  options: resourceOptions.optional(),
  extra: extraInput.optional(),
})
export type ProjectInput = z.input<typeof projectInput>
export const projectUpdateInput = z.object({
  id: keystoneId,
  name: projectInput.shape.name.optional(),
  description: descriptionInput.optional(),
  enabled: z.boolean().optional(),
  tags: tagsInput.optional(),
  /** Each option named is set; null takes it away. */
  options: resourceOptions.optional(),
  /** Replaces all of them. */
  extra: extraInput.optional(),
})
export type ProjectDetail = {
  id: string
  name: string
  description: string
  domainId: string
  domainName: string
  enabled: boolean
  /** Null: directly below its domain. */
  parentId: string | null
  tags: string[]
  extra: Extra
  options: ResourceOptions
  /** Under deletion; `operationId` of the newest try is in its history (operations.list). */
  deleting: boolean
  createdAt: string
}
/** What dies with a project, in the order in which it goes; zero counts are left out. */
export type ProjectDeletionPlan = {
  project: ProjectDetail
  things: { kind: string; title: string; count: number }[]
  assignments: number
  /** Child projects stand in the way: delete them first. */
  children: { id: string; name: string }[]
}
