import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'
import { identityName, keystoneId, listInput, type ResourceOptions, resourceOptions } from '../contract.ts'

/** Roles, the roles that they imply, and their assignments. Browser-safe. */

export const roleListInput = listInput.extend({
  /** Lists the roles of this domain alone. When left out, lists the roles of the cloud. */
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
  /** Options that are named are set; null removes an option. */
  options: resourceOptions.optional(),
  extra: extraInput.optional(),
})
export const implicationInput = z.object({ priorRoleId: keystoneId, impliedRoleId: keystoneId })
export type RoleView = {
  id: string
  name: string
  description: string
  domainId: string | null
  /** True when the role cannot be changed, as the three built-in roles. */
  immutable: boolean
  options: ResourceOptions
  extra: Extra
  /** The roles that this role implies directly. */
  implies: { id: string; name: string }[]
  createdAt: string
}

/** A grant has exactly one holder (userId or groupId) and exactly one place (projectId, domainId or system). */
export const grantInput = z
  .object({
    userId: keystoneId.optional(),
    groupId: keystoneId.optional(),
    roleId: keystoneId,
    projectId: keystoneId.optional(),
    domainId: keystoneId.optional(),
    system: z.literal(true).optional(),
    /** The role holds in the projects below the place, but not at the place itself. */
    inherited: z.boolean().default(false),
  })
  .refine((g) => (g.userId === undefined) !== (g.groupId === undefined), 'Name a user or a group.')
  .refine(
    (g) => [g.projectId, g.domainId, g.system].filter((v) => v !== undefined).length === 1,
    'Name a project, a domain or the system.',
  )
  .refine(
    (g) => !(g.inherited && g.system),
    'A role on the system cannot be inherited, because no projects are below the system.',
  )
export type GrantInput = z.input<typeof grantInput>
export const assignmentListInput = listInput.omit({ name: true, search: true }).extend({
  userId: keystoneId.optional(),
  groupId: keystoneId.optional(),
  roleId: keystoneId.optional(),
  projectId: keystoneId.optional(),
  domainId: keystoneId.optional(),
  system: z.literal(true).optional(),
  inherited: z.boolean().optional(),
  /** Lists the roles that users really have: groups, inheritance and implied roles are resolved. */
  effective: z.boolean().default(false),
  /** With projectId, includes the projects below. */
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
