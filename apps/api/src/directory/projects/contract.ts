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
  /** False leaves out projects that are being deleted. */
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
  /** When left out, the domain of the parent, else of the session, else Default. */
  domainId: keystoneId.optional(),
  /** A project of the same domain. When left out, the project is directly below the domain. */
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
  /** Options that are named are set; null removes an option. */
  options: resourceOptions.optional(),
  /** Replaces all attributes. */
  extra: extraInput.optional(),
})
export type ProjectDetail = {
  id: string
  name: string
  description: string
  domainId: string
  domainName: string
  enabled: boolean
  /** Null when the project is directly below its domain. */
  parentId: string | null
  tags: string[]
  extra: Extra
  options: ResourceOptions
  /** True while the project is being deleted. operations.list of the project has the newest operation. */
  deleting: boolean
  createdAt: string
}
/**
 * The things that are deleted with a project, in the order of their deletion, without kinds that the project has none
 * of.
 */
export type ProjectDeletionPlan = {
  project: ProjectDetail
  things: { kind: string; title: string; count: number }[]
  assignments: number
  /** Child projects, which must be deleted first. */
  children: { id: string; name: string }[]
}
