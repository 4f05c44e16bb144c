import { bounds } from '@stratolith/drivers/bounds'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { startOperation } from '../../kernel/workflow.ts'
import {
  createPortsForInstance,
  type InstanceInterface,
  interfacesOf,
  lendPort,
  networkForNic,
  networksOfFreePorts,
  updatePort,
} from '../../networking/service.ts'
import { instanceCan } from '../contract.ts'
import { demandState, type InstanceRow, loadInstance, noteInstance } from './instance-row.ts'
import { machineOf } from './machine.ts'

export type { InstanceInterface }

/** Returns the interfaces of an instance. Throws not_found for an instance that the caller may not see. */
export async function listInterfaces(ctx: Ctx, input: { id: string }): Promise<InstanceInterface[]> {
  const row = await loadInstance(ctx, 'compute:get_instance', input.id)
  return interfacesOf(ctx, row.id)
}

/** Returns an interface. Throws not_found for a port that this instance does not have. */
export async function getInterface(
  ctx: Ctx,
  input: { id: string; portId: string },
): Promise<InstanceInterface> {
  const found = (await listInterfaces(ctx, input)).find((one) => one.portId === input.portId)
  if (!found) throw notFound('port', input.portId)
  return found
}

/**
 * Gives an instance one more interface: a free port of the project, or a new port on a network. A running guest gets
 * the interface at once (by a workflow), a stopped guest at its next start.
 */
export async function attachInterface(
  ctx: Ctx,
  input: { id: string; networkId?: string; portId?: string; address?: string },
): Promise<InstanceInterface> {
  const portId = await inTransaction(ctx, async (tx) => {
    const row = await loadIdle(tx, 'compute:attach_interface', input.id)
    if ((await interfacesOf(tx, row.id)).length >= bounds.nicsOfGuest)
      throw conflict(`An instance has at most ${bounds.nicsOfGuest} interfaces.`)
    const id = await portFor(tx, row, input)
    await startOperation(tx, { ...historyOf(row, 'instance.attach'), input: { portId: id } })
    await noteInstance(tx, row, 'updated')
    return id
  })
  return getInterface(ctx, { id: input.id, portId })
}

async function portFor(
  ctx: Ctx,
  row: InstanceRow,
  input: { networkId?: string; portId?: string; address?: string },
): Promise<string> {
  const to = { instanceId: row.id, projectId: row.projectId, hostId: row.hostId }
  if (input.portId !== undefined) {
    await networksOfFreePorts(ctx, [input.portId], row.projectId)
    await lendPort(ctx, input.portId, to)
    await ctx.db.instance.update({
      where: { id: row.id },
      data: { lentPortIds: [...row.lentPortIds, input.portId] },
    })
    return input.portId
  }
  if (input.networkId === undefined) throw invalidInput('Choose a network or a port.')
  const network = await networkForNic(ctx, input.networkId)
  const [port] = await createPortsForInstance(ctx, {
    ...to,
    networks: [network],
    // The caller has named no group, so the port is in the default group where there is port security.
    securityGroupIds: [],
    addresses: [input.address],
  })
  if (!port) throw conflict('The network gave no port.')
  return port.id
}

/** Removes an interface. Its port is deleted, or returned to its owner when it existed before. */
export async function detachInterface(ctx: Ctx, input: { id: string; portId: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadIdle(tx, 'compute:detach_interface', input.id)
    if (!(await interfacesOf(tx, row.id)).some((one) => one.portId === input.portId))
      throw notFound('port', input.portId)
    await startOperation(tx, { ...historyOf(row, 'instance.detach'), input: { portId: input.portId } })
  })
}

/** Adds every filtered port of an instance to a security group, or removes the ports from the group. */
export async function changeGroups(
  ctx: Ctx,
  id: string,
  how: 'addSecurityGroup' | 'removeSecurityGroup',
  groupId: string,
): Promise<void> {
  const row = await loadInstance(ctx, 'compute:update_instance', id)
  const all = await interfacesOf(ctx, row.id)
  const ports = all.filter((port) => port.portSecurity)
  if (all.length > 0 && ports.length === 0)
    throw invalidInput('Port security is off on all ports of the instance, so they are in no groups.')
  if (how === 'removeSecurityGroup' && !ports.some((port) => port.securityGroupIds.includes(groupId)))
    throw notFound('security group of the instance', groupId)
  for (const port of ports) {
    const others = port.securityGroupIds.filter((one) => one !== groupId)
    const securityGroupIds = how === 'addSecurityGroup' ? [...others, groupId] : others
    if (securityGroupIds.length !== port.securityGroupIds.length)
      await updatePort(ctx, { id: port.portId, securityGroupIds })
  }
}

/**
 * Loads an idle instance and locks its row until the end of the transaction, so that two attachments count each other.
 */
export async function loadIdle(
  ctx: Ctx,
  policy: string,
  id: string,
  can: 'attach' | 'attachVolume' | 'detachVolume' = 'attach',
): Promise<InstanceRow> {
  await ctx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await loadInstance(ctx, policy, id)
  demandState(ctx, instanceCan[can], { ...row, machine: await machineOf(ctx, row) })
  if (row.hostId === null) throw conflict('The instance is on no host.')
  return row
}

export const historyOf = (row: InstanceRow, action: string) => ({
  id: crypto.randomUUID(),
  action,
  resourceKind: 'instance',
  resourceId: row.id,
  resourceName: row.name,
  projectId: row.projectId,
  hostId: row.hostId,
})
