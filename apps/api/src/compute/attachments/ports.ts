import { inTransaction } from '../../kernel/context.ts'
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
  always: false,
  bind: (ctx, { id: instanceId, hostId }, id) => bindPort(ctx, id, hostId, instanceId),
  unbind: (ctx, _instanceId, id) => unbindPorts(ctx, [id]),
  async release(ctx, instanceId, id) {
    await inTransaction(ctx, async (tx) => {
      // Locked, because a request may lend another port to the instance at this moment.
      await tx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${instanceId}::uuid FOR UPDATE`
      const row = await tx.db.instance.findUnique({
        where: { id: instanceId },
        select: { lentPortIds: true },
      })
      const lent = row?.lentPortIds ?? []
      await deletePortsOfInstance(tx, instanceId, { lent, only: [id] })
      const lentPortIds = { set: lent.filter((one) => one !== id) }
      await tx.db.instance.updateMany({ where: { id: instanceId }, data: { lentPortIds } })
    })
  },
}
