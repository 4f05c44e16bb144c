import type { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { deleteFloatingIp } from '../../networking/floating-ips/service.ts'
import {
  createFloatingIpRow,
  createPortsForInstance,
  deletePortsOfInstance,
  ensureDefaultSecurityGroup,
  ensurePresetGroup,
  lendPort,
  type NetworkPlan,
  type NetworkRow,
  networksOfFreePorts,
} from '../../networking/service.ts'
import type { launchInput } from '../contract.ts'
import type { InstanceRow } from './load.ts'

/** What all instances of one launch share. */
export type Attachments = {
  networks: readonly NetworkRow[]
  /** Beside `networks`: addresses asked for. */
  addresses: readonly (string | undefined)[]
  portIds: readonly string[]
  securityGroupIds: string[]
  publicIp: boolean
}

/**
 * Groups of the launch: those that were named, or the project's default, and one that opens the
 * presets. In the launch's transaction, before the first port.
 */
export async function attachmentsOf(
  ctx: Ctx,
  projectId: string,
  input: Pick<z.output<typeof launchInput>, 'securityGroupIds' | 'openPresets' | 'publicIp' | 'nics'>,
  plan: NetworkPlan,
): Promise<Attachments> {
  const chosen =
    input.securityGroupIds.length > 0
      ? [...new Set(input.securityGroupIds)]
      : [await ensureDefaultSecurityGroup(ctx, projectId)]
  const opening = await ensurePresetGroup(ctx, projectId, input.openPresets)
  const nics = input.nics ?? []
  const portIds = nics.flatMap((nic) => ('portId' in nic ? nic.portId : []))
  await networksOfFreePorts(ctx, portIds)
  return {
    networks: plan.rows,
    addresses: nics.flatMap((nic) => ('networkId' in nic ? [nic.address] : [])),
    portIds,
    securityGroupIds: opening && !chosen.includes(opening) ? [...chosen, opening] : chosen,
    publicIp: input.publicIp,
  }
}

/** Ports with addresses, bound to the host; with publicIp a floating IP on the first. Returns its id. */
export async function attachAtLaunch(
  ctx: Ctx,
  instance: { id: string; projectId: string; hostId: string },
  attachments: Attachments,
): Promise<string | null> {
  const ports = await createPortsForInstance(ctx, {
    instanceId: instance.id,
    projectId: instance.projectId,
    hostId: instance.hostId,
    networks: attachments.networks,
    addresses: attachments.addresses,
    securityGroupIds: attachments.securityGroupIds,
  })
  for (const portId of attachments.portIds)
    await lendPort(ctx, portId, {
      instanceId: instance.id,
      projectId: instance.projectId,
      hostId: instance.hostId,
    })
  const first = ports[0]
  if (!attachments.publicIp || !first) return null
  return createFloatingIpRow(ctx, { portId: first.id, description: '' })
}

/** Rows, addresses and quota of ports that are off their host already (or whose host is down); lent ones go back. */
export const deletePorts = (ctx: Ctx, instance: Pick<InstanceRow, 'id' | 'lentPortIds'>) =>
  deletePortsOfInstance(ctx, instance.id, { lent: instance.lentPortIds })

/**
 * The address that the launch itself took goes with the instance, unless its owner has moved it to
 * another one meanwhile. Gone is success.
 */
export async function releasePublicIp(
  ctx: Ctx,
  instance: Pick<InstanceRow, 'id' | 'floatingIpId'>,
): Promise<void> {
  const { floatingIpId: id } = instance
  if (id === null) return
  const row = await ctx.db.floatingIp.findUnique({ where: { id }, include: { port: true } })
  if (!row || (row.port && row.port.deviceId !== instance.id)) return
  await deleteFloatingIp(ctx, { id }).catch((error: unknown) => {
    if (!(error instanceof CloudError && error.code === 'not_found')) throw error
  })
}
