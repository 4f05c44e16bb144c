import type { z } from 'zod'
import { asReaderOf, type Ctx, inTransaction, isAdmin } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation, startOperation } from '../../kernel/workflow.ts'
import type { PortView, portCreateInput, portUpdateInput } from '../contract.ts'
import { loadNetwork, type NetworkRow } from '../networks/load.ts'
import { ownerOf } from '../owner.ts'
import { loadGroups } from '../security-groups/load.ts'
import { ensureDefaultSecurityGroup } from '../security-groups/service.ts'
import { replaceFixed } from './fixed.ts'
import { createPortRow, deletePortRows, portEvent } from './rows.ts'
import { getPort, loadPort } from './service.ts'
import type { PortRow } from './view.ts'

type CreateInput = z.output<typeof portCreateInput>
type UpdateInput = z.output<typeof portUpdateInput>

/** Makes a port that no instance has (yet); it has addresses and groups from now on. */
export async function createPort(ctx: Ctx, input: CreateInput): Promise<PortView> {
  const id = await inTransaction(ctx, async (tx) => {
    const projectId = await ownerOf(tx, input.projectId)
    authorize(tx, 'port:create', { projectId })
    const network = await loadNetwork(tx, 'network:get', input.networkId)
    if (network.external && !isAdmin(tx))
      throw new CloudError('forbidden', 'Ports of an external network come with routers and floating IPs.')
    mayChoose(tx, network, input)
    const portSecurity = input.portSecurity ?? network.portSecurity
    refuseOwner(input.deviceOwner)
    if (input.mac) await refuseMac(tx, network.id, input.mac)
    const port = await createPortRow(tx, {
      ...input,
      portSecurity,
      mac: input.mac?.toLowerCase(),
      projectId,
      network,
      fixed: input.fixedIps,
      securityGroupIds: await groupsFor(tx, projectId, { ...input, portSecurity }),
    })
    await applyLater(tx, port, 'port.create', [])
    return port.id
  })
  return getPort(ctx, { id })
}

/**
 * A chosen address or MAC address, or a port without port security, could take the place of another port; so only the
 * network's owner may choose. Throws forbidden.
 */
function mayChoose(
  ctx: Ctx,
  network: NetworkRow,
  input: Pick<UpdateInput, 'fixedIps' | 'mac' | 'portSecurity'>,
): void {
  const chooses =
    input.fixedIps?.some((wish) => wish.address !== undefined) ||
    input.mac !== undefined ||
    input.portSecurity === false
  if (chooses) authorize(ctx, 'port:choose', { projectId: network.projectId })
}

/**
 * Ports of routers, floating IPs and instances are made by these alone: another port with such an owner could pose as
 * one of theirs (A12).
 */
function refuseOwner(deviceOwner: string | undefined): void {
  if (deviceOwner !== undefined && /^(network|compute):/.test(deviceOwner))
    throw invalidInput(
      `Ports of ${deviceOwner} are made by routers, floating IPs and instances. Choose another device owner.`,
      'deviceOwner',
    )
}

async function refuseMac(ctx: Ctx, networkId: string, mac: string): Promise<void> {
  // The lock lets two transactions that want the same MAC address on one network take turns.
  await ctx.db
    .$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`mac:${networkId}:${mac.toLowerCase()}`}, 0))`
  if (await ctx.db.port.count({ where: { networkId, mac: mac.toLowerCase() } }))
    throw conflict(`MAC address ${mac} is in use on this network. Choose another.`, 'macAddressInUse')
}

/** Returns the IDs of the groups for a port: groups of the port's own project only. */
async function groupsFor(
  ctx: Ctx,
  projectId: string,
  { securityGroupIds, portSecurity }: { securityGroupIds?: string[]; portSecurity: boolean },
): Promise<string[]> {
  if (securityGroupIds === undefined)
    return portSecurity ? [await ensureDefaultSecurityGroup(ctx, projectId)] : []
  if (securityGroupIds.length === 0) return []
  if (!portSecurity)
    throw conflict(
      'A port without port security is not filtered, so it has no security groups.',
      'portSecurityAndIPRequiredForSecurityGroups',
    )
  const groups = await loadGroups(asReaderOf(ctx, projectId), 'securityGroup:get', [
    ...new Set(securityGroupIds),
  ])
  return groups.map((group) => group.id)
}

/** Changes whatever may change of a port; a workflow tells the host. */
export async function updatePort(ctx: Ctx, input: UpdateInput): Promise<PortView> {
  await inTransaction(ctx, async (tx) => {
    await loadPort(tx, 'port:update', input.id)
    await tx.db.$executeRaw`SELECT 1 FROM "Port" WHERE "id" = ${input.id}::uuid FOR UPDATE`
    const row = await loadPort(tx, 'port:update', input.id)
    if (row.deviceOwner.startsWith('network:')) refuseForRouters(input)
    const network = await loadNetwork(asReaderOf(tx, row.projectId), 'network:get', row.networkId)
    mayChoose(tx, network, input)
    refuseDevice(row, input)
    const mac = input.mac?.toLowerCase()
    if (mac !== undefined && mac !== row.mac) {
      if (row.hostId) throw conflict('The MAC address of a port in use stays. Detach it first.', 'portBound')
      await refuseMac(tx, row.networkId, mac)
    }
    if (input.fixedIps) await replaceFixed(tx, network, row, input.fixedIps)
    await changeGroups(tx, row, input)
    const { name, description, adminUp, portSecurity, deviceId, deviceOwner } = input
    await tx.db.port.update({
      where: { id: row.id },
      data: { name, description, adminUp, portSecurity, deviceId, deviceOwner, mac },
    })
    const before = row.securityGroups.map((s) => s.groupId)
    await applyLater(tx, { ...row, address: row.addresses[0]?.address ?? null }, 'port.apply', before)
    await portEvent(tx, row, 'updated')
  })
  return getPort(ctx, input)
}

function refuseForRouters(input: UpdateInput): void {
  if (input.securityGroupIds !== undefined || input.portSecurity !== undefined || input.adminUp === false)
    throw conflict('This port belongs to a router or to the cloud; security groups are for instances.')
  if (input.fixedIps || input.mac)
    throw invalidInput(
      'The addresses of this port are those of its router. Take it off the router first.',
      'fixedIps',
      'routerInterfaceFixedIpChangeNotAllowed',
    )
}

function refuseDevice(row: PortRow, input: UpdateInput): void {
  const { deviceOwner = row.deviceOwner, deviceId = row.deviceId } = input
  if (deviceOwner === row.deviceOwner && deviceId === row.deviceId) return
  if (/^(network|compute):/.test(row.deviceOwner))
    throw conflict('An instance or a router uses this port. Detach it there first.', 'portInUse')
  refuseOwner(deviceOwner)
}

async function changeGroups(ctx: Ctx, row: PortRow, input: UpdateInput): Promise<void> {
  const portSecurity = input.portSecurity ?? row.portSecurity
  if (!portSecurity && row.securityGroups.length > 0 && input.securityGroupIds === undefined)
    throw conflict(
      'Port security cannot be switched off while the port is in security groups. Take them off it first.',
      'portSecurityPortHasSecurityGroup',
    )
  if (input.securityGroupIds === undefined) return
  const groups = await groupsFor(ctx, row.projectId, { ...input, portSecurity })
  await ctx.db.portSecurityGroup.deleteMany({ where: { portId: row.id } })
  await ctx.db.portSecurityGroup.createMany({ data: groups.map((groupId) => ({ portId: row.id, groupId })) })
}

/** Deletes a port; throws conflict while an instance or a router has it: whoever attached the port must detach it. */
export async function deletePort(ctx: Ctx, input: { id: string }): Promise<PortView> {
  const gone = await getPort(ctx, input)
  await inTransaction(ctx, async (tx) => {
    await loadPort(tx, 'port:delete', input.id)
    await tx.db.$executeRaw`SELECT 1 FROM "Port" WHERE "id" = ${input.id}::uuid FOR UPDATE`
    const row = await loadPort(tx, 'port:delete', input.id)
    if (row.deviceOwner.startsWith('network:'))
      throw conflict(
        `Port ${row.id} cannot be deleted directly via the port API: has device owner ${row.deviceOwner}.`,
        'servicePortInUse',
      )
    if (row.hostId || row.deviceOwner.startsWith('compute:'))
      throw conflict('An instance uses this port. Detach it or delete the instance first.', 'portInUse')
    const fips = await tx.db.floatingIp.findMany({ where: { portId: row.id }, select: { routerId: true } })
    await deletePortRows(tx, [row.id])
    const groupIds = row.securityGroups.map((s) => s.groupId)
    const routerIds = [...new Set(fips.flatMap((fip) => fip.routerId ?? []))]
    const operation = { ...historyOf(row, 'port.delete'), id: crypto.randomUUID() }
    if (groupIds.length + routerIds.length === 0) await recordOperation(tx, operation)
    else await startOperation(tx, { ...operation, input: { groupIds, routerIds } })
  })
  return gone
}

type Named = { id: string; name: string; projectId: string; address: string | null; hostId: string | null }

/**
 * Queues the workflow that tells the port's host, and every host where a rule names a group that the port is or was in.
 */
async function applyLater(
  ctx: Ctx,
  row: Named,
  action: 'port.create' | 'port.apply',
  groupIds: string[],
): Promise<void> {
  await startOperation(ctx, {
    ...historyOf({ ...row, addresses: row.address ? [{ address: row.address }] : [] }, action),
    id: crypto.randomUUID(),
    input: { groupIds },
  })
}

const historyOf = (
  row: { id: string; name: string; projectId: string; addresses: readonly { address: string }[] },
  action: string,
) => ({
  action,
  resourceKind: 'port',
  resourceId: row.id,
  resourceName: row.name || (row.addresses[0]?.address ?? ''),
  projectId: row.projectId,
})
