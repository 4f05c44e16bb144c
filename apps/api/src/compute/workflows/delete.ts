import type { InstanceModel, Prisma } from '@stratolith/db'
import { releaseHost } from '../../hosts/service.ts'
import type { CloudError } from '../../kernel/errors.ts'
import { driversOf, plainOp } from '../../kernel/hosts.ts'
import { releaseQuota } from '../../kernel/quota.ts'
import { defineWorkflow, type Run } from '../../kernel/workflow.ts'
import { noteInstance } from '../instances/load.ts'
import { deletePorts, releasePublicIp, unplugPorts } from '../instances/ports.ts'
import { currentRow, faultOf, settle } from './guest.ts'

/**
 * Host's drivers when the host is there to be asked: one that was down may be back. One that does not
 * answer is not waited for: the rows go now, and what is left on it is a stranger that the
 * reconciler removes on its return.
 */
async function reachable(run: Run<unknown>) {
  const row = await currentRow(run)
  if (!row?.hostId) return null
  const host = await run.ctx.db.host.findUnique({ where: { id: row.hostId }, select: { state: true } })
  if (!host) return null
  const drivers = await driversOf(run.ctx, row.hostId)
  if (host.state === 'up') return { row, drivers }
  return drivers.hypervisor.probe(plainOp(run.ctx, 2_000)).then(
    () => ({ row, drivers }),
    () => null,
  )
}

defineWorkflow({
  action: 'instance.delete',
  steps: [
    {
      name: 'guest',
      title: 'Switching the guest off',
      async run(run) {
        const at = await reachable(run)
        await at?.drivers.hypervisor.remove(run.op, at.row.id)
      },
    },
    {
      name: 'network',
      title: 'Giving the addresses back',
      async run(run) {
        const row = await currentRow(run)
        if (!row) return
        if (await reachable(run)) await unplugPorts(run.ctx, run.op, row.id)
        await releasePublicIp(run.ctx, row)
        await deletePorts(run.ctx, run.op, row)
      },
    },
    {
      name: 'disk',
      title: 'Removing the root disk',
      async run(run) {
        const at = await reachable(run)
        await at?.drivers.storage.removeDisk(run.op, at.row.id)
      },
    },
    { name: 'forget', title: 'Returning the quota', run: forget },
  ],
  /** It stays visible and can be deleted again; its quota is held, since something of it may exist. */
  async onFailed(run, error: CloudError) {
    await settle(
      run,
      { vmState: 'error', taskState: null, ...faultOf(error) },
      (row) => row.taskState === 'deleting',
    )
  },
})

/** Row, quota and room on the host go together or not at all; a replay finds no row and is done. */
async function forget(run: Run<unknown>): Promise<void> {
  await run.ctx.deps.root.$transaction(async (tx) => {
    const ctx = { ...run.ctx, db: tx }
    await tx.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    const row = await tx.instance.findUnique({ where: { id: run.resourceId } })
    if (!row) return
    await releaseQuota(ctx, row.projectId, { instances: 1, vcpus: row.vcpus, memoryMib: row.memoryMib })
    if (row.hostId) await releaseHost(ctx, row.hostId, row)
    await tx.consoleToken.deleteMany({ where: { instanceId: row.id } })
    await tx.pastInstance.createMany({ data: pastOf(row), skipDuplicates: true })
    await tx.instance.deleteMany({ where: { id: row.id } })
    await noteInstance(ctx, row, 'deleted', run.operationId, { name: row.name })
  })
}

/** What is kept of it: for usage reports and for administrators who look for it. */
const pastOf = (row: InstanceModel): Prisma.PastInstanceCreateManyInput => ({
  id: row.id,
  projectId: row.projectId,
  userId: row.userId,
  name: row.name,
  description: row.description,
  hostname: row.hostname,
  hostId: row.hostId,
  zone: row.zone,
  imageId: row.imageId,
  imageName: row.imageName,
  flavorId: row.flavorId,
  flavorName: row.flavorName,
  vcpus: row.vcpus,
  memoryMib: row.memoryMib,
  diskGib: row.diskGib,
  flavorSpecs: row.flavorSpecs as Prisma.InputJsonObject,
  keyName: row.keyName,
  metadata: row.metadata as Prisma.InputJsonObject,
  tags: row.tags,
  reservationId: row.reservationId,
  launchIndex: row.launchIndex,
  launchedAt: row.launchedAt,
  createdAt: row.createdAt,
})
