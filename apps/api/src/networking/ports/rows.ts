import type { PortModel } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { appendEvent } from '../../kernel/events.ts'
import { releaseQuota, reserveQuota } from '../../kernel/quota.ts'
import { holdNetwork, type NetworkRow } from '../networks/load.ts'
import { allocateAddress, freeMac } from './allocate.ts'
import { type FixedWish, giveFixed } from './fixed.ts'

export type NewPort = {
  projectId: string
  network: NetworkRow
  deviceOwner: string
  deviceId: string
  name?: string
  securityGroupIds?: readonly string[]
  /** Addresses wanted; left out: one of the first subnet's pool. */
  fixed?: readonly FixedWish[]
  mac?: string
  description?: string
  adminUp?: boolean
  portSecurity?: boolean
  tags?: string[]
}

/** Port with its address and groups. `projectId` '' is the cloud's own (gateways): no quota. */
export async function createPortRow(
  ctx: Ctx,
  wish: NewPort,
): Promise<PortModel & { address: string | null }> {
  await holdNetwork(ctx, wish.network)
  if (wish.projectId) await reserveQuota(ctx, wish.projectId, { ports: 1 })
  const port = await ctx.db.port.create({
    data: {
      id: crypto.randomUUID(),
      projectId: wish.projectId,
      networkId: wish.network.id,
      name: wish.name ?? '',
      mac: wish.mac ?? (await freeMac(ctx, wish.network.id)),
      description: wish.description ?? '',
      adminUp: wish.adminUp ?? true,
      portSecurity: wish.portSecurity ?? true,
      tags: [...new Set(wish.tags ?? [])],
      deviceOwner: wish.deviceOwner,
      deviceId: wish.deviceId,
      securityGroups: { create: (wish.securityGroupIds ?? []).map((groupId) => ({ groupId })) },
    },
  })
  const address = await giveAddress(ctx, wish, port.id)
  if (wish.projectId) await portEvent(ctx, port, 'created')
  return { ...port, address }
}

async function giveAddress(ctx: Ctx, wish: NewPort, portId: string): Promise<string | null> {
  if (wish.fixed) return (await giveFixed(ctx, wish.network, portId, wish.fixed))[0] ?? null
  const subnet = wish.network.subnets[0]
  return subnet ? allocateAddress(ctx, subnet, portId) : null
}

/** Rows, quota and event of ports that are gone from their hosts. In a transaction. */
export async function deletePortRows(ctx: Ctx, ids: readonly string[]): Promise<void> {
  const ports = await ctx.db.port.findMany({ where: { id: { in: [...ids] } } })
  for (const port of ports) {
    const fips = await ctx.db.floatingIp.findMany({
      where: { portId: port.id },
      select: { id: true, projectId: true },
    })
    await ctx.db.floatingIp.updateMany({
      where: { portId: port.id },
      data: { portId: null, fixedAddress: null, routerId: null, state: 'down' },
    })
    await ctx.db.port.deleteMany({ where: { id: port.id } })
    if (!port.projectId) continue
    await releaseQuota(ctx, port.projectId, { ports: 1 })
    await portEvent(ctx, port, 'deleted')
    for (const fip of fips)
      await appendEvent(ctx, {
        kind: 'floatingIp.updated',
        projectId: fip.projectId,
        resourceKind: 'floatingIp',
        resourceId: fip.id,
      })
  }
}

type EventPort = Pick<PortModel, 'id' | 'projectId' | 'deviceId' | 'networkId'>

export const portEvent = (ctx: Ctx, port: EventPort, what: 'created' | 'updated' | 'deleted') =>
  appendEvent(ctx, portEventOf(port, what))

export const portEventOf = (port: EventPort, what: 'created' | 'updated' | 'deleted') => ({
  kind: `port.${what}`,
  projectId: port.projectId,
  resourceKind: 'port',
  resourceId: port.id,
  data: { deviceId: port.deviceId, networkId: port.networkId },
})
