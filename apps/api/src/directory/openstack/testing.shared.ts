import type { Ctx } from '../../kernel/context.ts'
import { hexId } from '../../kernel/testing.ts'
import type { Tenant } from '../../openstack/testing.ts'
import { createDomain } from '../projects/domains.ts'
import { createProject } from '../projects/service.ts'
import { createRole } from '../roles/service.ts'
import { createGroup } from '../users/groups.ts'
import { createUser } from '../users/service.ts'

/** Fresh things in a tenant's domain, for the examples of the directory. */

export const none = { make: () => ({}) }
export const fresh = (what: string): string => `${what}-${hexId().slice(0, 12)}`

export const aProject = ({ admin, domainId }: Tenant) =>
  createProject(admin, { name: fresh('project'), domainId, tags: ['blue'] })
export const aUser = ({ admin, domainId }: Tenant, password?: string) =>
  createUser(admin, { name: fresh('user'), domainId, password })
export const aGroup = ({ admin, domainId }: Tenant) => createGroup(admin, { name: fresh('group'), domainId })
export const aRole = ({ admin }: Tenant) => createRole(admin, { name: fresh('role') })
export const aDisabledDomain = ({ admin }: Tenant) =>
  createDomain(admin, { name: fresh('domain'), enabled: false })

/** The id of a role of the cloud by its name. */
export async function roleNamed(ctx: Ctx, name: string): Promise<string> {
  const where = { domainKey_name: { domainKey: '', name } }
  return (await ctx.deps.root.role.findUniqueOrThrow({ where })).id
}
