import type { Ctx } from '../../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { contains, parseCidr } from '../ipv4.ts'
import type { PortNetwork } from '../networks/load.ts'
import { numbered } from '../states.ts'
import { allocateAddress, take, whyHeld } from './allocate.ts'
import { refuseLeftBehind } from './left-behind.ts'

export type FixedWish = { subnetId?: string; address?: string }

/**
 * Gives a port the addresses that were asked for, in that order. Throws not_found for a subnet of another network,
 * invalid_input for an address in none of the network's subnets, and conflict for an address in use. In a transaction.
 */
export async function giveFixed(
  ctx: Ctx,
  network: PortNetwork,
  portId: string,
  wishes: readonly FixedWish[],
): Promise<string[]> {
  const given: string[] = []
  for (const wish of wishes) {
    const subnet = subnetFor(network, wish)
    if (wish.address === undefined) given.push(await allocateAddress(ctx, subnet, portId))
    else {
      const taken = wish.address !== subnet.dhcpIp && (await take(ctx, subnet.id, wish.address, portId))
      const held = await whyHeld(ctx, subnet.id, wish.address)
      if (held) throw conflict(held, 'ipAddressInUse')
      if (!taken) throw conflict(`IP address ${wish.address} is in use. Choose another.`, 'ipAddressInUse')
      given.push(wish.address)
    }
  }
  return given
}

function subnetFor(network: PortNetwork, { subnetId, address }: FixedWish): PortNetwork['subnets'][number] {
  if (subnetId !== undefined) {
    const subnet = network.subnets.find((s) => s.id === subnetId)
    if (!subnet) throw notFound('subnet', subnetId)
    if (address !== undefined && !contains(parseCidr(subnet.cidr), address))
      throw invalidInput(`${address} is not an address of ${subnet.cidr}.`, 'fixedIps', 'invalidIpForSubnet')
    return subnet
  }
  const subnet =
    address === undefined
      ? network.subnets[0]
      : network.subnets.find((s) => contains(parseCidr(s.cidr), address))
  if (!subnet)
    throw invalidInput(
      `${address ?? 'This'} is not an address of any subnet of the network.`,
      'fixedIps',
      'invalidIpForNetwork',
    )
  return subnet
}

/**
 * Replaces the addresses of a port: addresses that the wishes name stay, and the others are given back. Throws conflict
 * while a floating IP leads to an address that would be given back.
 */
export async function replaceFixed(
  ctx: Ctx,
  network: PortNetwork,
  { id: portId, projectId }: { id: string; projectId: string },
  wishes: readonly FixedWish[],
): Promise<void> {
  const now = await ctx.db.portAddress.findMany({ where: { portId } })
  const stays = (held: { subnetId: string; address: string }) =>
    wishes.find(
      (w) => w.address === held.address && (w.subnetId === undefined || w.subnetId === held.subnetId),
    )
  const kept = new Set(now.map(stays))
  // A wish for any address of a subnet is met by an address of that subnet that the port has already.
  const leaving = now.filter((held) => {
    if (stays(held)) return false
    const any = wishes.find((w) => w.address === undefined && w.subnetId === held.subnetId && !kept.has(w))
    if (any) kept.add(any)
    return !any
  })
  const gone = leaving.map((held) => held.address)
  const fips = await ctx.db.floatingIp.count({ where: { portId, fixedAddress: { in: gone } } })
  if (fips > 0)
    throw conflict(
      `${numbered(fips, 'floating IP leads', 'floating IPs lead')} to an address that would go. Disassociate them first.`,
      'portInUse',
    )
  await ctx.db.portAddress.deleteMany({ where: { portId, address: { in: gone } } })
  const missing = wishes.filter((wish) => !kept.has(wish))
  if (missing.length > 0) await refuseLeftBehind(ctx, network, { projectId, quota: 'ports' })
  await giveFixed(ctx, network, portId, missing)
}
