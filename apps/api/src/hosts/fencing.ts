import { type Ctx, inTransaction } from '../kernel/context.ts'
import { conflict } from '../kernel/errors.ts'
import { answersAt } from '../kernel/hosts.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import type { HostView } from './contract.ts'
import { freeHeld } from './held.ts'
import { hostCan } from './states.ts'
import { type HostRow, hostStateEvents, loadHost, viewOf, withBeat } from './view.ts'

/**
 * Records an administrator's declaration that the machine is off, or cut off: everything that deleted instances had
 * there is free at once. Throws conflict while the machine answers, because then it is not off and its own confirmation
 * is the better one. Repeating the call changes nothing.
 */
export async function fenceHost(ctx: Ctx, { id }: { id: string }): Promise<HostView> {
  authorize(ctx, 'hosts:fence_host')
  const seen = await loadHost(ctx, id)
  const answers = seen.state !== 'fenced' && (await answersAt(ctx, seen.endpoint))
  return change(ctx, id, 'fenced', async (row) => {
    const view = await viewOf(ctx, row)
    return hostCan.fence({ ...view, answers: answers || view.answers })
  })
}

/** Takes the declaration back: the host is up as soon as it answers and has been told what must be gone from it. */
export const unfenceHost = (ctx: Ctx, { id }: { id: string }): Promise<HostView> => {
  authorize(ctx, 'hosts:fence_host')
  return change(ctx, id, 'down', async (row) => hostCan.unfence(await viewOf(ctx, row)))
}

async function change(
  ctx: Ctx,
  id: string,
  state: 'fenced' | 'down',
  may: (row: HostRow) => Promise<true | string>,
): Promise<HostView> {
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Host" WHERE "id" = ${id}::uuid FOR UPDATE`
    const row = await loadHost(tx, id)
    if ((row.state === 'fenced') === (state === 'fenced')) return viewOf(tx, row)
    const allowed = await may(row)
    if (allowed !== true) throw conflict(`Host ${row.name}: ${allowed}`)
    const updated = await tx.db.host.update({ where: { id }, data: { state }, include: withBeat })
    const freed = state === 'fenced' ? await freeHeld(tx, id) : undefined
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: state === 'fenced' ? 'host.fence' : 'host.unfence',
      resourceKind: 'host',
      resourceId: id,
      resourceName: row.name,
      projectId: null,
      input: { before: row.state, freed },
    })
    await hostStateEvents(tx, id)
    return viewOf(tx, updated)
  })
}
