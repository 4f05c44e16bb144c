import type { Ctx } from '../../kernel/context.ts'
import { seen } from '../reach.ts'
import { type UserRow, userColumns } from './views.ts'

export async function loadUser(ctx: Ctx, id: string, action?: string): Promise<UserRow> {
  const row = await ctx.db.user.findUnique({ where: { id }, select: userColumns })
  const target = (user: UserRow) => ({ userId: user.id, domainId: user.domainId })
  return seen(ctx, { kind: 'user', id, row, target, read: 'identity:get_user' }, action)
}
