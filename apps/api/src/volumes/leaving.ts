import type { z } from 'zod'
import { type Ctx, listScope } from '../kernel/context.ts'
import { authorize } from '../kernel/policy.ts'
import type { LeavingView, leavingInput } from './contract.ts'
import { whysKept } from './needed.ts'
import { waitMinutes } from './trash/trash.ts'

/** Says which volumes are marked to be deleted with these instances, and why some of them would stay. */
export async function volumesLeaving(ctx: Ctx, input: z.output<typeof leavingInput>): Promise<LeavingView> {
  const scope = listScope(ctx, input)
  authorize(ctx, 'volume:list', scope)
  const { instanceIds } = input
  const rows = await ctx.db.volume.findMany({
    where: {
      ...scope,
      trashedUntil: null,
      attachments: { some: { instanceId: { in: instanceIds }, deleteOnTermination: true } },
    },
    include: { attachments: { select: { instanceId: true } } },
    orderBy: [{ name: 'asc' }, { id: 'asc' }],
  })
  const whys = await whysKept(
    ctx,
    rows.map(({ attachments, ...volume }) => ({
      ...volume,
      others: attachments.filter(({ instanceId }) => !instanceIds.includes(instanceId)).length,
    })),
  )
  return {
    minutes: waitMinutes(ctx),
    volumes: rows.map(({ id, name, sizeGib }) => ({ id, name, sizeGib, why: whys.get(id) ?? null })),
  }
}
