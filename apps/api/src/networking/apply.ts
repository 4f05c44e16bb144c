/**
 * What workflows ask of hosts: a row says what is wanted, its document tells the host (hosts/documents.ts),
 * and here it is waited for.
 */
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { deliverThings, unconfirmed } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { toCloudError } from '../kernel/errors.ts'
import type { Run, Wait } from '../kernel/workflow.ts'
import { setPortStates } from './port-states.ts'

/**
 * Off their host, which hears of it with its instance's document, or when it answers again.
 */
export async function unbindPorts(ctx: Ctx, portIds: readonly string[]): Promise<void> {
  const bound = await ctx.deps.root.port.findMany({
    where: { id: { in: [...portIds] }, hostId: { not: null } },
  })
  await ctx.deps.root.port.updateMany({
    where: { id: { in: bound.map((port) => port.id) } },
    data: { hostId: null },
  })
  await setPortStates(
    ctx,
    bound.map(({ id }) => ({ id, state: 'down', errorMessage: null, on: null })),
  )
}

/** A host that is up and says nothing for so long is not waited for: it has its list. A variable for tests alone. */
export const patience = { silentMs: 15_000 }

/**
 * Waits until the hosts that answer have these things as they are wanted now. Throws what one of them
 * says when it cannot.
 */
export async function heard(
  run: Run<unknown>,
  things: Partial<Record<DocumentKind, string[]>>,
): Promise<Wait | undefined> {
  for (const [kind, ids] of Object.entries(things) as [DocumentKind, string[]][]) {
    await deliverThings(run.ctx, kind, ids)
    const { hosts, error } = await unconfirmed(run.ctx, kind, ids)
    const failure = error && toCloudError(error)
    if (failure && !failure.retryable) throw failure
    if (hosts === 0) continue
    const waitedMs = Date.now() - run.stepStartedAt.getTime()
    if (waitedMs < patience.silentMs)
      return { waitMs: Math.min(1_000, 50 + waitedMs), for: hosts === 1 ? 'one host' : `${hosts} hosts` }
    if (failure) throw failure
    run.ctx.log.warn({ kind, ids, hosts }, 'hosts have not heard of a change yet and are not waited for')
  }
}
