import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { releaseQuota, reserveQuota } from '../../kernel/quota.ts'
import { startOperation } from '../../kernel/workflow.ts'
import type { NetworkView, subnetCreateInput } from '../contract.ts'
import { contains, fromNumber, overlaps, parseCidr, toNumber } from '../ipv4.ts'
import { holdNetwork, loadNetwork, type NetworkRow } from '../networks/load.ts'
import { networkViews } from '../networks/view.ts'

type SubnetInput = z.output<typeof subnetCreateInput>

/** Adds a subnet; answers the network as it is then. */
export async function createSubnet(ctx: Ctx, input: SubnetInput): Promise<NetworkView> {
  const id = await inTransaction(ctx, async (tx) => {
    const network = await loadNetwork(tx, 'subnet:create', input.networkId)
    const subnetId = await addSubnet(tx, network, input)
    await startOperation(tx, {
      id: crypto.randomUUID(),
      action: 'network.apply',
      resourceKind: 'network',
      resourceId: network.id,
      resourceName: network.name,
      projectId: network.projectId,
    })
    return subnetId && network.id
  })
  return oneNetwork(ctx, id)
}

/** Checks by the grammar of what consumes it (dnsmasq, ip) and writes the row. In a transaction. */
export async function addSubnet(
  ctx: Ctx,
  network: NetworkRow,
  input: Omit<SubnetInput, 'networkId'>,
): Promise<string> {
  const cidr = parseCidr(input.cidr)
  // Two adders of one network take turns, so that neither misses the other's range.
  await holdNetwork(ctx, network, true)
  const siblings = await ctx.db.subnet.findMany({ where: { networkId: network.id }, select: { cidr: true } })
  const clash = siblings.find((subnet) => overlaps(parseCidr(subnet.cidr), cidr))
  if (clash)
    throw conflict(`${input.cidr} overlaps with ${clash.cidr} of the same network. Choose another range.`)
  const gatewayIp = input.gatewayIp === null ? null : (input.gatewayIp ?? fromNumber(cidr.first))
  if (gatewayIp && !contains(cidr, gatewayIp))
    throw invalidInput(`The gateway ${gatewayIp} is not a usable address of ${input.cidr}.`, 'gatewayIp')
  const pool = input.pool ?? { start: fromNumber(cidr.first), end: fromNumber(cidr.last) }
  if (!contains(cidr, pool.start) || !contains(cidr, pool.end) || toNumber(pool.start) > toNumber(pool.end))
    throw invalidInput(`The pool ${pool.start}–${pool.end} is not a range of ${input.cidr}.`, 'pool')
  const dhcpIp = input.dhcp && !network.external ? freeFor(cidr, pool, gatewayIp) : null
  const id = crypto.randomUUID()
  await reserveQuota(ctx, network.projectId, { subnets: 1 })
  await ctx.db.subnet.create({
    data: {
      id,
      networkId: network.id,
      projectId: network.projectId,
      name: input.name,
      cidr: cidr.text,
      gatewayIp,
      dhcp: dhcpIp !== null,
      dhcpIp,
      dns: input.dns,
      poolStart: pool.start,
      poolEnd: pool.end,
    },
  })
  await appendEvent(ctx, {
    kind: 'network.updated',
    projectId: network.projectId,
    public: network.shared || network.external,
    resourceKind: 'network',
    resourceId: network.id,
  })
  return id
}

/** Address of the DHCP server: the first of the subnet that is neither gateway nor, if possible, pool. */
function freeFor(
  cidr: ReturnType<typeof parseCidr>,
  pool: { start: string; end: string },
  gatewayIp: string | null,
): string {
  const taken = gatewayIp ? toNumber(gatewayIp) : -1
  const outside = [cidr.first, cidr.first + 1, cidr.last].find(
    (n) => n !== taken && (n < toNumber(pool.start) || n > toNumber(pool.end)),
  )
  return fromNumber(outside ?? (cidr.first === taken ? cidr.first + 1 : cidr.first))
}

export async function deleteSubnet(ctx: Ctx, input: { id: string }): Promise<NetworkView> {
  const networkId = await inTransaction(ctx, async (tx) => {
    const subnet = await tx.db.subnet.findUnique({ where: { id: input.id } })
    if (!subnet) throw notFound('subnet', input.id)
    const network = await loadNetwork(tx, 'network:get', subnet.networkId).catch(() => {
      throw notFound('subnet', input.id)
    })
    await loadNetwork(tx, 'subnet:delete', network.id)
    await tx.db.$executeRaw`SELECT 1 FROM "Subnet" WHERE "id" = ${subnet.id}::uuid FOR UPDATE`
    const used = await tx.db.portAddress.count({ where: { subnetId: subnet.id } })
    if (used > 0)
      throw conflict(
        `${used} addresses of this subnet are in use. Delete the instances on it and detach the router first.`,
      )
    const { count } = await tx.db.subnet.deleteMany({ where: { id: subnet.id } })
    if (count === 0) throw notFound('subnet', subnet.id)
    await releaseQuota(tx, network.projectId, { subnets: 1 })
    await startOperation(tx, {
      id: crypto.randomUUID(),
      action: 'network.apply',
      resourceKind: 'network',
      resourceId: network.id,
      resourceName: network.name,
      projectId: network.projectId,
    })
    await appendEvent(tx, {
      kind: 'network.updated',
      projectId: network.projectId,
      public: network.shared || network.external,
      resourceKind: 'network',
      resourceId: network.id,
    })
    return network.id
  })
  return oneNetwork(ctx, networkId)
}

export async function oneNetwork(ctx: Ctx, id: string): Promise<NetworkView> {
  const [view] = await networkViews(ctx, [await loadNetwork(ctx, 'network:get', id)])
  if (!view) throw notFound('network', id)
  return view
}
