import type { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { invariant } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import {
  createFloatingIpRow,
  createPortsOfLaunch,
  deleteFloatingIpOfLaunch,
  deletePortsOfInstance,
  ensureDefaultSecurityGroup,
  ensurePresetGroup,
  lendPort,
  type NetworkPlan,
  networksOfFreePorts,
  type PortNetwork,
} from '../../networking/service.ts'
import type { launchInput } from '../contract.ts'
import type { InstanceRow } from './instance-row.ts'

/** The networks, ports and groups that all instances of one launch share. */
export type Attachments = {
  networks: readonly PortNetwork[]
  /** The wanted addresses, in the order of `networks`. */
  addresses: readonly (string | undefined)[]
  portIds: readonly string[]
  securityGroupIds: string[]
  publicIp: boolean
}
type Placed = { id: string; projectId: string; hostId: string }

/**
 * Returns what the launch attaches. The groups are those that the caller named, or the project's default, and a group
 * that opens the presets. Call this in the launch's transaction, before the first port.
 */
export async function attachmentsOf(
  ctx: Ctx,
  projectId: string,
  input: Pick<z.output<typeof launchInput>, 'securityGroupIds' | 'openPresets' | 'publicIp' | 'nics'>,
  plan: NetworkPlan,
): Promise<Attachments> {
  const chosen = plan.groupIds.length > 0 ? plan.groupIds : [await ensureDefaultSecurityGroup(ctx, projectId)]
  authorize(ctx, 'securityGroup:get', { projectId })
  const opening = await ensurePresetGroup(ctx, projectId, input.openPresets)
  const nics = input.nics ?? []
  const portIds = nics.flatMap((nic) => ('portId' in nic ? nic.portId : []))
  if (portIds.length > 0) await networksOfFreePorts(ctx, portIds)
  return {
    networks: plan.rows,
    addresses: nics.flatMap((nic) => ('networkId' in nic ? [nic.address] : [])),
    portIds,
    securityGroupIds: opening && !chosen.includes(opening) ? [...chosen, opening] : chosen,
    publicIp: input.publicIp,
  }
}

/** Makes ports with addresses, bound to the hosts, and binds the lent ports; the launch appends the events. */
export async function portsAtLaunch(
  ctx: Ctx,
  instances: readonly Placed[],
  attachments: Attachments,
): Promise<Awaited<ReturnType<typeof createPortsOfLaunch>>> {
  const [first] = instances
  invariant(first, 'a launch of nothing')
  const made = await createPortsOfLaunch(ctx, { ...attachments, projectId: first.projectId, instances })
  for (const portId of attachments.portIds)
    await lendPort(ctx, portId, {
      instanceId: first.id,
      projectId: first.projectId,
      hostId: first.hostId,
    })
  return made
}

/** Makes a floating IP on the first port of each instance, which is deleted with the instance. */
export async function publicIpsAtLaunch(
  ctx: Ctx,
  ports: ReadonlyMap<string, readonly { id: string }[]>,
): Promise<void> {
  for (const [id, [first]] of ports) {
    if (!first) continue
    const floatingIpId = await createFloatingIpRow(ctx, { portId: first.id, description: '' })
    await ctx.db.instance.update({ where: { id }, data: { floatingIpId } })
  }
}

/**
 * Deletes rows, addresses and quota of ports that their host does not have any more (or whose host is down); lent ports
 * return to their owner.
 */
export const deletePorts = (ctx: Ctx, instance: Pick<InstanceRow, 'id' | 'lentPortIds'>) =>
  deletePortsOfInstance(ctx, instance.id, { lent: instance.lentPortIds })

/**
 * Releases the floating IP that the launch itself made, unless its owner has taken it off the instance meanwhile. A
 * floating IP that is already gone is success.
 */
export async function releasePublicIp(
  ctx: Ctx,
  instance: Pick<InstanceRow, 'id' | 'floatingIpId'>,
): Promise<void> {
  if (instance.floatingIpId !== null)
    await deleteFloatingIpOfLaunch(ctx, { id: instance.floatingIpId, instanceId: instance.id })
}
