import type { z } from 'zod'
import { type Ctx, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { notFound } from '../../kernel/errors.ts'
import { askOf, pageView, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import type { PortView, portListInput } from '../contract.ts'
import { devicesOf } from './devices.ts'
import { queryPorts } from './queries.ts'
import { type PortRow, portInclude, portView } from './view.ts'

export async function listPorts(ctx: Ctx, input: z.output<typeof portListInput>): Promise<Page<PortView>> {
  const { allProjects, projectId, networkId, deviceId, securityGroupId, use, search } = input
  const where = { allProjects, projectId, networkId, deviceId, securityGroupId, use, search }
  const slice = await queryPorts<PortRow>(ctx, { where, ...askOf(input, sortablePorts) }, portInclude)
  return pageView(slice, await views(ctx, slice.rows))
}

async function views(ctx: Ctx, rows: readonly PortRow[]): Promise<PortView[]> {
  const deviceOf = await devicesOf(ctx, rows)
  return rows.map((row) => portView(row, deviceOf(row)))
}

/** The columns by which the portal sorts ports. */
const sortablePorts: Sortable = {
  name: [{ field: 'name' }],
  state: [{ field: 'state' }],
  mac: [{ field: 'mac' }],
  created: [{ field: 'createdAt' }],
}

export async function loadPort(ctx: Ctx, action: string, id: string): Promise<PortRow> {
  const row = await ctx.db.port.findFirst({ where: { ...visible(ctx), id }, include: portInclude })
  if (!row) throw notFound('port', id)
  authorize(ctx, action, { projectId: row.projectId })
  return row
}

export async function getPort(ctx: Ctx, input: { id: string }): Promise<PortView> {
  const row = await loadPort(ctx, 'port:get', input.id)
  return portView(row, (await devicesOf(ctx, [row]))(row))
}
