import type { InstanceModel, Prisma } from '@stratolith/db'
import { errorOf, hostState, releaseHost } from '../../hosts/service.ts'
import { inTransaction } from '../../kernel/context.ts'
import { type CloudError, toCloudError } from '../../kernel/errors.ts'
import { driverCode } from '../../kernel/hosts.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { forgetPortsOfInstance, portsOfInstance } from '../../networking/service.ts'
import { releaseQuota } from '../../quota/service.ts'
import { forgetVolumesOf } from '../../volumes/service.ts'
import { roomOf } from '../guests.ts'
import { noteInstance } from '../instances/instance-row.ts'
import { releasePublicIp } from '../instances/ports.ts'
import { deadlineMs } from './deadlines.ts'
import { currentRow, faultOf, settle } from './guest.ts'
import { demandAnswer, givenUp, giveUp, orGiveUp, patience, tellOfEnd } from './on-host.ts'

/**
 * Makes the host remove guest, disk and ports, when the host answers. A silent host is waited for a moment (its agent
 * may be restarting) and then left with its things: it hears of the deletion when it is back.
 */
async function onItsHost(run: Run<unknown>): Promise<Wait | undefined> {
  const row = await currentRow(run)
  if (!row?.hostId || givenUp(run)[row.hostId]) return
  const { id, hostId } = row
  const state = await hostState(run.ctx, hostId)
  if (state === null) return
  if (state !== 'up' && !(await isBack(run, hostId))) return giveUp(run, hostId, 'It is down.')
  try {
    await orGiveUp(run, hostId, async () => {
      const ports = await portsOfInstance(run.ctx, id)
      const its = new Set([id, ...ports.map((port) => port.id)])
      for (const receipt of await tellOfEnd(run, { id, hostId }, ports))
        if (receipt.outcome === 'failed' && its.has(receipt.id)) throw toCloudError(errorOf(receipt))
    })
  } catch (error) {
    if (givenUp(run)[hostId]) return
    if (driverCode(error) !== 'unavailable' || run.op.signal.aborted) throw error
    return { waitMs: patience.askAgainMs, for: 'its host to answer' }
  }
}

const isBack = (run: Run<unknown>, hostId: string): Promise<boolean> =>
  demandAnswer(run, hostId).then(
    () => true,
    () => false,
  )

export const deletion: Workflow = {
  action: 'instance.delete',
  deadlineMs: deadlineMs.delete,
  steps: [
    { name: 'host', title: 'Removing guest, disk and ports from its host', run: onItsHost },
    { name: 'forget', title: 'Giving addresses and quota back', run: forget },
  ],
  /** The instance stays visible and can be deleted again; its quota is held, since parts of the instance may exist. */
  async onFailed(run, error: CloudError) {
    await settle(
      run,
      { vmState: 'error', taskState: null, ...faultOf(error) },
      (row) => row.taskState === 'deleting',
    )
  },
}

/** Deletes row, ports, quota and room on the host together or not at all; a replay finds no row and is done. */
async function forget(run: Run<unknown>): Promise<void> {
  const seen = await currentRow(run)
  if (seen) await releasePublicIp(run.ctx, seen)
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (ctx) => {
    const { db: tx } = ctx
    const [row] = await tx.$queryRaw<InstanceModel[]>`
      SELECT * FROM "Instance" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    if (!row) return
    // Before the quota: everybody locks instance, volumes, quota and host in this order.
    const kept = await forgetVolumesOf(ctx, row.id)
    if (kept.length > 0) run.remark(kept.join(' '))
    const ports = new Map(await forgetPortsOfInstance(ctx, row.id, { lent: row.lentPortIds }))
    const its = { instances: 1, vcpus: row.vcpus, memoryMib: row.memoryMib }
    await releaseQuota(ctx, row.projectId, { ...its, ports: ports.get(row.projectId) ?? 0 })
    ports.delete(row.projectId)
    for (const [projectId, count] of ports) await releaseQuota(ctx, projectId, { ports: count })
    if (row.hostId) await releaseHost(ctx, row.hostId, roomOf(row))
    await tx.consoleToken.deleteMany({ where: { instanceId: row.id } })
    await tx.pastInstance.createMany({ data: pastOf(row), skipDuplicates: true })
    await tx.instance.deleteMany({ where: { id: row.id } })
    await noteInstance(ctx, row, 'deleted', run.operationId, { name: row.name })
  })
}

/**
 * The facts that are kept of a deleted instance, for usage reports and for administrators who look for the instance.
 */
const pastOf = (row: InstanceModel): Prisma.PastInstanceCreateManyInput => ({
  id: row.id,
  projectId: row.projectId,
  userId: row.userId,
  name: row.name,
  description: row.description,
  hostname: row.hostname,
  hostId: row.hostId,
  zone: row.zone,
  // As for OpenStack's clients, an instance whose root disk is a volume has no image.
  imageId: row.rootOnVolume ? null : row.imageId,
  imageName: row.imageName,
  flavorId: row.flavorId,
  flavorName: row.flavorName,
  vcpus: row.vcpus,
  memoryMib: row.memoryMib,
  diskGib: row.diskGib,
  ephemeralGib: row.ephemeralGib,
  swapMib: row.swapMib,
  flavorSpecs: row.flavorSpecs as Prisma.InputJsonObject,
  keyName: row.keyName,
  metadata: row.metadata as Prisma.InputJsonObject,
  tags: row.tags,
  reservationId: row.reservationId,
  launchIndex: row.launchIndex,
  launchedAt: row.launchedAt,
  createdAt: row.createdAt,
})
