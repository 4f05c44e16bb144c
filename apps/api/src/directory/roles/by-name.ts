import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import type { RoleTarget } from '../assignment-key.ts'
import { grantRole, revokeRole } from './assignments.ts'

type NamedGrant = { userId: string; role: string; target: RoleTarget }

/** Gives a role of the cloud by its name, unless the user has it already. */
export async function assignRole(ctx: Ctx, input: NamedGrant): Promise<void> {
  await grantRole(ctx, await byId(ctx, input))
}

/** Removes a role of the cloud by its name, if the user has it. */
export async function removeRole(ctx: Ctx, input: NamedGrant): Promise<void> {
  await revokeRole(ctx, await byId(ctx, input))
}

async function byId(ctx: Ctx, { userId, role, target }: NamedGrant) {
  const row = await ctx.db.role.findUnique({ where: { domainKey_name: { domainKey: '', name: role } } })
  if (!row) throw notFound('role', role)
  return { userId, roleId: row.id, ...('system' in target ? { system: true as const } : target) }
}
