import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import type { Op } from '@stratolith/drivers/op'
import { deliver, deliverThings, unconfirmed } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { CloudError, toCloudError } from '../kernel/errors.ts'
import { driverCode } from '../kernel/hosts.ts'
import type { Run, Wait } from '../kernel/workflow.ts'
import { errorOf, networkKinds } from './documents.ts'
import { portsOfInstance } from './instance-ports.ts'
import { setPortState } from './port-states.ts'

/**
 * What workflows ask of hosts: a row says what is wanted, its document tells the host (hosts/documents.ts),
 * and here it is waited for.
 */
export type PluggedPort = { portId: string; mac: string; tap: string; mtu: number }

/**
 * The ports of an instance on its host, with all that they need there, in one call. `without`: one that
 * is on its way out. Throws what the host says of one that it cannot have, and `unavailable` when it is silent.
 */
export async function plugPorts(
  ctx: Ctx,
  op: Op,
  { instanceId, hostId, without }: { instanceId: string; hostId: string; without?: string },
): Promise<PluggedPort[]> {
  const ports = (await portsOfInstance(ctx, instanceId)).filter((port) => port.id !== without)
  const elsewhere = ports.filter((port) => port.hostId !== hostId).map((port) => port.id)
  if (elsewhere.length > 0)
    await ctx.deps.root.port.updateMany({ where: { id: { in: elsewhere } }, data: { hostId } })
  const ids = ports.map((port) => port.id)
  const receipts = await deliver(ctx, op, hostId, { kinds: networkKinds, always: { kind: 'port', ids } })
  const byId = new Map(receipts.filter(({ kind }) => kind === 'port').map((one) => [one.id, one]))
  return ports.map(({ id, mac, mtu }) => {
    const receipt = byId.get(id)
    if (receipt?.outcome === 'failed') throw toCloudError(errorOf(receipt))
    if (receipt?.outcome !== 'reached' || !receipt.port)
      throw new CloudError('unavailable', 'The port is being changed at this moment. Trying again helps.')
    return { portId: id, mac, tap: receipt.port.tap, mtu }
  })
}

/**
 * Off their host, which hears of it now (unless `later`: it is known to be silent), or when it answers
 * again. Nobody waits for a host that does not.
 */
export async function unplugPorts(
  ctx: Ctx,
  op: Op,
  portIds: readonly string[],
  { later = false }: { later?: boolean } = {},
): Promise<void> {
  const bound = await ctx.deps.root.port.findMany({
    where: { id: { in: [...portIds] }, hostId: { not: null } },
  })
  await ctx.deps.root.port.updateMany({
    where: { id: { in: bound.map((port) => port.id) } },
    data: { hostId: null },
  })
  for (const port of bound) await setPortState(ctx, port, 'down', null)
  if (later) return
  for (const hostId of new Set(bound.flatMap((port) => port.hostId ?? [])))
    await deliver(ctx, op, hostId, { kinds: [] }).catch((error: unknown) => {
      if (driverCode(error) !== 'unavailable') throw error
      ctx.log.warn({ err: error, hostId }, 'a host is to take ports off when it answers again')
    })
}

/** A host that is up and says nothing for so long is not waited for: it has its list. */
const silentMs = 15_000

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
    if (waitedMs < silentMs)
      return { waitMs: Math.min(1_000, 50 + waitedMs), for: hosts === 1 ? 'one host' : `${hosts} hosts` }
    if (failure) throw failure
    run.ctx.log.warn({ kind, ids, hosts }, 'hosts have not heard of a change yet and are not waited for')
  }
}
