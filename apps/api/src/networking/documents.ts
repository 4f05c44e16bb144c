import type { DocumentKind, Receipt } from '@stratolith/drivers/documents/interface'
import { defineDocument, errorOf, unconfirmed } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { toCloudError } from '../kernel/errors.ts'
import { setPortState, settleFloatingIps } from './port-states.ts'
import { addressSetSpecs, networkSpec, portSpecs, routerSpecs } from './specs.ts'

/** What hosts are told of networks, routers, members of groups and ports, and what becomes of it. */
defineDocument({
  kind: 'network',
  async render(ctx, ids) {
    const rows = await ctx.db.network.findMany({
      where: { id: { in: [...ids] } },
      include: { subnets: true },
    })
    return new Map(rows.map((row) => [row.id, networkSpec(row)]))
  },
})
defineDocument({
  kind: 'addressSet',
  render: addressSetSpecs,
})
defineDocument({
  kind: 'router',
  render: routerSpecs,
  async told(ctx, receipts) {
    for (const { outcome, id } of receipts)
      if (outcome === 'reached' && (await unconfirmed(ctx, 'router', [id])).hosts === 0)
        await settleFloatingIps(ctx, id)
  },
})
defineDocument({
  kind: 'port',
  render: portSpecs,
  told: notePorts,
})

/** A port is active when its host has it, and in error with the reason when it never will as it is. */
async function notePorts(ctx: Ctx, receipts: readonly Receipt[]): Promise<void> {
  const rows = await ctx.deps.root.port.findMany({
    where: { id: { in: receipts.map((one) => one.id) }, hostId: { not: null } },
    select: { id: true, projectId: true, deviceId: true, networkId: true, state: true },
  })
  const portOf = new Map(rows.map((row) => [row.id, row]))
  for (const receipt of receipts) {
    const port = portOf.get(receipt.id)
    if (!port) continue
    if (receipt.outcome === 'reached' && receipt.port && port.state !== 'active')
      await setPortState(ctx, port, 'active', null)
    if (receipt.outcome !== 'failed') continue
    const failure = toCloudError(errorOf(receipt))
    if (!failure.retryable) await setPortState(ctx, port, 'error', failure.message)
  }
}

export const networkKinds: readonly DocumentKind[] = ['network', 'addressSet', 'router']
