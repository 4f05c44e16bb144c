import { bindPort, deletePortsOfInstance, unbindPort } from '../../networking/service.ts'
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
  always: false,
  bind: (ctx, { id: instanceId, hostId }, id) => bindPort(ctx, id, hostId, instanceId),
  unbind: unbindPort,
  async release(ctx, instanceId, id) {
    const row = await ctx.db.instance.findUnique({
      where: { id: instanceId },
      select: { lentPortIds: true },
    })
    const lent = row?.lentPortIds ?? []
    await deletePortsOfInstance(ctx, instanceId, { lent, only: [id] })
    const lentPortIds = { set: lent.filter((one) => one !== id) }
    await ctx.db.instance.updateMany({ where: { id: instanceId }, data: { lentPortIds } })
  },
}
