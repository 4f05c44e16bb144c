import type { z } from 'zod'
import { type Ctx, inTransaction, listScope, visible } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { conflict, notFound } from '../../kernel/errors.ts'
import { containing, pageOf } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { startOperation } from '../../kernel/workflow.ts'
import type { PortView, portListInput, portUpdateInput } from '../contract.ts'
import { loadGroups } from '../security-groups/load.ts'
import { portEvent } from './rows.ts'
import { type PortRow, portInclude, portView } from './view.ts'

export async function listPorts(ctx: Ctx, input: z.output<typeof portListInput>): Promise<Page<PortView>> {
  authorize(ctx, 'port:list')
  const where = {
    ...listScope(ctx, input),
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

/** Name and security groups; the host follows in a workflow. */
export async function updatePort(ctx: Ctx, input: z.output<typeof portUpdateInput>): Promise<PortView> {
  await inTransaction(ctx, async (tx) => {
    const row = await loadPort(tx, 'port:update', input.id)
    if (input.securityGroupIds && row.deviceOwner.startsWith('network:'))
      throw conflict('This port belongs to a router or to the cloud; security groups are for instances.')
    if (input.name !== undefined)
      await tx.db.port.update({ where: { id: row.id }, data: { name: input.name } })
    if (input.securityGroupIds) {
      const groups = await loadGroups(
        { ...tx, scope: projectScope(tx, row.projectId) },
        'securityGroup:get',
        input.securityGroupIds,
      )
      await tx.db.portSecurityGroup.deleteMany({ where: { portId: row.id } })
      await tx.db.portSecurityGroup.createMany({
        data: groups.map((group) => ({ portId: row.id, groupId: group.id })),
      })
    }
    await startOperation(tx, {
      id: crypto.randomUUID(),
      action: 'port.apply',
      resourceKind: 'port',
      resourceId: row.id,
      resourceName: row.name || (row.addresses[0]?.address ?? ''),
      projectId: row.projectId,
      input: { groupIds: row.securityGroups.map((s) => s.groupId) },
    })
    await portEvent(tx, row, 'updated')
  })
  return getPort(ctx, input)
}

/** An administrator who edits another project's port may only name groups of that project. */
const projectScope = (ctx: Ctx, projectId: string): Ctx['scope'] => ({
  kind: 'project',
  projectId,
  projectName: '',
  domainId: ctx.actor.domainId,
})
