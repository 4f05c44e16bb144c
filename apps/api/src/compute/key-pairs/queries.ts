import type { Ctx } from '../../kernel/context.ts'
import { type Ask, containing, readPage, type Slice, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'

export type KeyPairRow = {
  id: string
  userId: string
  name: string
  publicKey: string
  fingerprint: string
  createdAt: Date
}

/** Lists key pairs of one user for the portal, OpenStack's clients and exports. */
export async function queryKeyPairs(
  ctx: Ctx,
  { where, sort, page }: Ask<{ userId?: string; search?: string }>,
): Promise<Slice<KeyPairRow>> {
  authorize(ctx, 'compute:list_key_pairs')
  return readPage<KeyPairRow>(ctx.db.keyPair, {
    where: {
      userId: ownerOf(ctx, where.userId, false),
      ...(where.search ? { name: containing(where.search) } : {}),
    },
    sort,
    page,
  })
}

/** The columns by which the portal sorts key pairs. */
export const sortableKeyPairs: Sortable = { name: [{ field: 'name' }], created: [{ field: 'createdAt' }] }

/** Returns the user whose key pairs are meant: the caller, or `userId` when the policy allows that. */
export function ownerOf(ctx: Ctx, userId: string | undefined, change: boolean): string {
  if (userId === undefined || userId === ctx.actor.userId) return ctx.actor.userId
  authorize(ctx, change ? 'compute:change_foreign_key_pairs' : 'compute:list_foreign_key_pairs')
  return userId
}
