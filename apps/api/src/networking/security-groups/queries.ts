import type { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { type Ask, found, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { ownedScope } from '../owner.ts'
import { type NetworkingWhere, queryRows, standardSearch } from '../queries.ts'

/** Security groups as the portal, OpenStack's clients and exports list them; `include` is what the door shows. */
export async function querySecurityGroups<Row extends { id: string }>(
  ctx: Ctx,
  ask: Ask<NetworkingWhere>,
  include: Prisma.SecurityGroupInclude,
): Promise<Slice<Row>> {
  authorize(ctx, 'securityGroup:list')
  const { search } = ask.where
  return queryRows<Row>(
    ctx.db.securityGroup,
    {
      ...{ kind: 'security group', scope: ownedScope(ctx, ask.where), include },
      ...{ searchable: standardSearch, also: search ? [{ OR: found(search) }] : [] },
    },
    ask,
  )
}
