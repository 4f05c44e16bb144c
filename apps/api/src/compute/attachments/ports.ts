import type { Prisma } from '@stratolith/db'
import { bindPort, deletePortsOfInstance, unbindPorts } from '../../networking/service.ts'
import type { Attachment } from './attachment.ts'

/** The interface of an instance. A port that existed before the instance had it is lent, and returns to its owner. */
export const portAttachment: Attachment = {
  kind: 'port',
  input: 'portId',
  steps: {
    give: { name: 'plug', title: 'Plugging the interface in' },
    take: { name: 'unplug', title: 'Taking the interface out' },
    release: { name: 'port', title: 'Giving the address back' },
  },
  stuck: 'The guest does not let go of its interface. Try again when it has booted, or stop it first.',
  bind: (ctx, id, hostId) => bindPort(ctx, id, hostId),
  unbind: (ctx, id) => unbindPorts(ctx, [id]),
  async release(ctx, { id: instanceId, lentPortIds: lent }, id) {
    await deletePortsOfInstance(ctx, instanceId, { lent, only: [id] })
    const lentPortIds: Prisma.InstanceUpdatelentPortIdsInput = { set: lent.filter((one) => one !== id) }
    await ctx.deps.root.instance.updateMany({ where: { id: instanceId }, data: { lentPortIds } })
  },
}
