import type { DiskAttachment, NicAttachment } from '@stratolith/drivers/hypervisor/interface'
import { releaseHost } from '../../hosts/service.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import { driversOf } from '../../kernel/hosts.ts'
import { defineWorkflow, type Run } from '../../kernel/workflow.ts'
import { powerStates, type TaskState } from '../contract.ts'
import { diskModeOf } from '../flavors/service.ts'
import { type InstanceRow, moveState, noFault } from '../instances/load.ts'
import { deletePorts, releasePublicIp, unplugPorts } from '../instances/ports.ts'
import { currentRow, faultOf, plugPorts, settle, specOf } from './guest.ts'

/** What the launch has found out and the build must not ask again. */
export type CreateInput = { image: { blobId: string; format: 'raw' | 'qcow2'; virtualGib: number } }
type Build = Run<CreateInput>
type Built = InstanceRow & { hostId: string }

const building = (row: InstanceRow) => row.vmState === 'building' && row.taskState !== 'deleting'

/**
 * Every step begins here: whoever asked for the instance may have asked for its end meanwhile.
 * Then the build undoes what it did and the delete, queued behind it, finds little left.
 */
async function wanted(run: Build, task: TaskState): Promise<Built> {
  const row = await currentRow(run)
  if (!row || !building(row))
    throw new CloudError('conflict', 'The instance was deleted while it was being built.')
  if (row.taskState !== task) await settle(run, { taskState: task }, building, row)
  const { hostId } = row
  invariant(hostId !== null, `instance ${row.id} is building without a host`)
  return { ...row, hostId }
}

/** For undo: where the instance is, if it still is anywhere. */
async function remains(run: Build): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId ? { ...row, hostId: row.hostId } : null
}

defineWorkflow<CreateInput>({
  action: 'instance.create',
  steps: [
    {
      name: 'network',
      title: 'Plugging the network',
      async run(run) {
        const row = await wanted(run, 'networking')
        await run.keep({ nics: await plugPorts(run, row) })
      },
      async undo(run) {
        const row = await remains(run)
        if (row) await unplugPorts(run.ctx, run.op, row.id)
      },
    },
    {
      name: 'disk',
      title: 'Making the root disk',
      async run(run) {
        const row = await wanted(run, 'block_device_mapping')
        await run.keep({ disk: await makeDisk(run, row) })
      },
      async undo(run) {
        const row = await remains(run)
        if (row) await (await driversOf(run.ctx, row.hostId)).storage.removeDisk(run.op, row.id)
      },
    },
    {
      name: 'guest',
      title: 'Starting the guest',
      async run(run) {
        const row = await wanted(run, 'spawning')
        const { hypervisor } = await driversOf(run.ctx, row.hostId)
        const parts = { disk: run.data.disk as DiskAttachment, nics: run.data.nics as NicAttachment[] }
        await hypervisor.ensure(run.op, await specOf(run, row, parts))
      },
      async undo(run) {
        const row = await remains(run)
        if (row) await (await driversOf(run.ctx, row.hostId)).hypervisor.remove(run.op, row.id)
      },
    },
    {
      name: 'settle',
      title: 'Recording the state',
      async run(run) {
        // It is on the config drive now and nobody else's business.
        await run.ctx.deps.root.instance.updateMany({
          where: { id: run.resourceId, adminPass: { not: null } },
          data: { adminPass: null },
        })
        await settle(
          run,
          {
            vmState: 'active',
            taskState: null,
            powerState: powerStates.running,
            launchedAt: new Date(),
            ...noFault,
          },
          building,
        )
      },
      /** The instance had run for a moment: it goes back to building, so that the failure settles it. */
      async undo(run) {
        await settle(
          run,
          { vmState: 'building', taskState: 'spawning' },
          (row) => row.vmState === 'active' && row.taskState === null,
        )
      },
    },
  ],
  onFailed: settleFailure,
})

/** Base (made once a host and image) and the overlay or copy on it. The disk has the instance's id. */
async function makeDisk(run: Build, row: Built): Promise<DiskAttachment> {
  const { storage } = await driversOf(run.ctx, row.hostId)
  const { blobId, format, virtualGib } = run.input.image
  const base = { blobId, format }
  await storage.ensureBase(run.op, {
    ...base,
    maxVirtualBytes: Math.max(virtualGib, row.diskGib) * 1024 ** 3,
  })
  const disk = await storage.ensureDisk(run.op, {
    id: row.id,
    instanceId: row.id,
    projectId: row.projectId,
    sizeGib: row.diskGib,
    base,
    mode: diskModeOf(row.flavorSpecs as Record<string, string>),
  })
  return { id: disk.id, path: disk.path, format: disk.format, boot: true }
}

/**
 * Nothing of the instance is on any host any more: its addresses and its room go back, it stays in
 * error with the reason. Its own quota is its owner's until it is deleted.
 */
async function settleFailure(run: Build, error: CloudError): Promise<void> {
  const row = await currentRow(run)
  if (!row || !building(row)) return
  await releasePublicIp(run.ctx, row)
  await deletePorts(run.ctx, run.op, row)
  await run.ctx.deps.root.$transaction(async (tx) => {
    const ctx = { ...run.ctx, db: tx }
    await tx.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${row.id}::uuid FOR UPDATE`
    const now = await tx.instance.findUnique({ where: { id: row.id } })
    if (!now || now.taskState === 'deleting' || now.vmState !== 'building') return
    if (now.hostId) await releaseHost(ctx, now.hostId, now)
    await moveState(
      ctx,
      { ...row, generation: now.generation },
      {
        vmState: 'error',
        taskState: null,
        powerState: powerStates.none,
        hostId: null,
        floatingIpId: null,
        ...faultOf(error),
      },
      run.operationId,
    )
  })
}
