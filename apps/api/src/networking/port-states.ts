import { type PortModel, Prisma } from '@stratolith/db'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { appendEvent, appendEventsWith } from '../kernel/events.ts'
import { portEventOf } from './ports/rows.ts'

/** What is shown of ports and floating IPs once their hosts have said what became of them. */

/** A floating IP is active while it is associated and its router has been applied. */
export async function settleFloatingIps(ctx: Ctx, routerId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const rows = await tx.db.floatingIp.updateManyAndReturn({
      where: { routerId, portId: { not: null }, state: { not: 'active' } },
      data: { state: 'active' },
    })
    for (const row of rows)
      await appendEvent(tx, {
        kind: 'floatingIp.updated',
        projectId: row.projectId,
        resourceKind: 'floatingIp',
        resourceId: row.id,
      })
  })
}

export async function setPortState(
  ctx: Ctx,
  port: Pick<PortModel, 'id' | 'projectId' | 'deviceId' | 'networkId'>,
  state: 'active' | 'down' | 'error',
  errorMessage: string | null,
): Promise<void> {
  const changed = Prisma.sql`changed AS (
    UPDATE "Port" SET "state" = ${state}, "errorMessage" = ${errorMessage}
    WHERE "id" = ${port.id}::uuid AND ("state", "errorMessage") IS DISTINCT FROM (${state}::text, ${errorMessage}::text) RETURNING 1)`
  await appendEventsWith(ctx, [portEventOf(port, 'updated')], [changed], 'changed')
}
