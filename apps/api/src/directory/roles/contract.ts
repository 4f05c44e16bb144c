import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'
import { identityName, keystoneId, listInput, type ResourceOptions, resourceOptions } from '../contract.ts'

/** Roles, what they imply, and who has them where. Browser-safe. */

export const roleListInput = listInput.extend({
  /** Roles of this domain alone; left out: those of the cloud. */
  domainId: keystoneId.optional(),
})
export type RoleListInput = z.output<typeof roleListInput>
export const roleInput = z.object({
  name: identityName,
  description: descriptionInput.default(''),
  domainId: keystoneId.optional(),
  options: resourceOptions.optional(),
  extra: extraInput.optional(),
})
export const roleUpdateInput = z.object({
  id: keystoneId,
  name: identityName.optional(),
  description: descriptionInput.optional(),
  /** Each option named is set; null takes it away. */
  options: resourceOptions.optional(),
  extra: extraInput.optional(),
})
export const implicationInput = z.object({ priorRoleId: keystoneId, impliedRoleId: keystoneId })
export type RoleView = {
  id: string
  name: string
  description: string
  domainId: string | null
  /** It stays as it is, as the three that every cloud has. */
  immutable: boolean
  options: ResourceOptions
  extra: Extra
  /** What it implies directly. */
  implies: { id: string; name: string }[]
  createdAt: string
}

/** Who: exactly one of userId, groupId. Where: exactly one of projectId, domainId, system. */
export const grantInput = z
  .object({
    userId: keystoneId.optional(),
    groupId: keystoneId.optional(),
    roleId: keystoneId,
    projectId: keystoneId.optional(),
    domainId: keystoneId.optional(),
    system: z.literal(true).optional(),
    /** Holds in the projects below and not at the place itself. */
    inherited: z.boolean().default(false),
  })
  .refine((g) => (g.userId === undefined) !== (g.groupId === undefined), 'Name a user or a group.')
  .refine(
    (g) => [g.projectId, g.domainId, g.system].filter((v) => v !== undefined).length === 1,
    'Name a project, a domain or the system.',
  )
  .refine((g) => !(g.inherited && g.system), 'Nothing is below the system: it cannot be inherited there.')
export type GrantInput = z.input<typeof grantInput>
export const assignmentListInput = z.object({
  limit: z.number().int().min(1).max(1000).default(1000),
  userId: keystoneId.optional(),
  groupId: keystoneId.optional(),
  roleId: keystoneId.optional(),
  projectId: keystoneId.optional(),
  domainId: keystoneId.optional(),
  system: z.literal(true).optional(),
  inherited: z.boolean().optional(),
  /** What users really have: groups, inheritance and implied roles worked out. */
  effective: z.boolean().default(false),
  /** With projectId: also the projects below. */
  includeSubtree: z.boolean().default(false),
})
export type AssignmentListInput = z.output<typeof assignmentListInput>
type InDomain = { id: string; name: string; domainId: string; domainName: string }
export type AssignmentView = {
  /** Unique in the list. */
  id: string
  role: { id: string; name: string; domainId: string | null }
  user: InDomain | null
  group: InDomain | null
  project: InDomain | null
  domain: { id: string; name: string } | null
  system: boolean
  inherited: boolean
}
/** `truncated`: there are more; narrow the filter. */
export type AssignmentList = { items: AssignmentView[]; truncated: boolean }
