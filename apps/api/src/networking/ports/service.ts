import type { z } from 'zod'
import { type Ctx, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { notFound } from '../../kernel/errors.ts'
import { containing, pageOf } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PortView, portListInput } from '../contract.ts'
import { ownedScope } from '../owner.ts'
import { type PortRow, portInclude, portView } from './view.ts'

/** Of the ports that something of this kind has. */
const ownersOf = {
  instance: { deviceOwner: { startsWith: 'compute:' } },
  router: { deviceOwner: { in: ['network:router_interface', 'network:router_gateway'] } },
  floatingIp: { deviceOwner: 'network:floatingip' },
  free: { deviceOwner: '' },
}

export async function listPorts(ctx: Ctx, input: z.output<typeof portListInput>): Promise<Page<PortView>> {
  authorize(ctx, 'port:list')
  const where = {
    ...ownedScope(ctx, input),
    ...(input.use ? ownersOf[input.use] : {}),
    ...(input.networkId ? { networkId: input.networkId } : {}),
    ...(input.deviceId ? { deviceId: input.deviceId } : {}),
    ...(input.search ? { name: containing(input.search) } : {}),
  }
  const page = await pageOf<PortRow>(ctx.db.port, input, where, { include: portInclude })
  return { ...page, items: page.items.map(portView) }
}

export async function loadPort(ctx: Ctx, action: string, id: string): Promise<PortRow> {
  const row = await ctx.db.port.findFirst({ where: { ...visible(ctx), id }, include: portInclude })
  if (!row) throw notFound('port', id)
  authorize(ctx, action, { projectId: row.projectId })
  return row
}

export const getPort = async (ctx: Ctx, input: { id: string }): Promise<PortView> =>
  portView(await loadPort(ctx, 'port:get', input.id))
