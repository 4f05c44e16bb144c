import type { DiskAttachment, NicAttachment } from '@stratolith/drivers/hypervisor/interface'
import { releaseHost } from '../../hosts/service.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import { defineWorkflow, type Run, type Wait } from '../../kernel/workflow.ts'
import { plugPorts } from '../../networking/service.ts'
import { powerStates, type TaskState } from '../contract.ts'
import { diskModeOf } from '../flavors/service.ts'
import { type InstanceRow, moveState, noFault } from '../instances/load.ts'
import type { Where } from '../instances/place-again.ts'
import { deletePorts, releasePublicIp, unplugPortsOf } from '../instances/ports.ts'
import { onSomeHost } from './another-host.ts'
import { deadlineMs } from './deadlines.ts'
import { currentRow, faultOf, settle, specOf } from './guest.ts'
import { givenUp, ifItAnswers, type OnHost } from './on-host.ts'

/** What the launch has found out and the build must not ask again. */
export type CreateInput = {
  image: { blobId: string; format: 'raw' | 'qcow2'; virtualGib: number }
  /** Absent in builds that were queued by an older version: any host will do. */
  where?: Where
}
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

/** A step on the host that the instance has been placed on, or on another one when that is in trouble. */
const onIts =
  (task: TaskState, work: (run: Build, row: Built, host: OnHost) => Promise<Wait | undefined>) =>
  (run: Build) =>
    onSomeHost(
      run,
      run.input.where ?? {},
      () => wanted(run, task),
      (row, host) => work(run, row, host),
    )

/** The host goes on converting or copying; nobody waits for it in a slot. */
const making: Wait = { waitMs: 1_000, for: 'the host to copy the image' }

/** For undo: where the instance is, if it still is anywhere. */
async function remains(run: Build): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId ? { ...row, hostId: row.hostId } : null
}

defineWorkflow<CreateInput>({
  action: 'instance.create',
  deadlineMs: deadlineMs.create,
  steps: [
    {
      name: 'network',
      title: 'Plugging the network',
      run: onIts('networking', async (run, row, host) => void (await nicsOn(run, row, host))),
      async undo(run) {
        const row = await remains(run)
        if (!row) return
        await unplugPortsOf(run.ctx, run.op, row.id, { later: row.hostId in givenUp(run) })
      },
    },
    {
      name: 'disk',
      title: 'Making the root disk',
      run: onIts('block_device_mapping', async (run, row, host) => {
        if (!(await diskOn(run, row, host))) return making
      }),
      async undo(run) {
        const row = await remains(run)
        if (row) await ifItAnswers(run, row.hostId, ({ storage, op }) => storage.removeDisk(op, row.id))
      },
    },
    {
      name: 'guest',
      title: 'Starting the guest',
      run: onIts('spawning', async (run, row, host) => {
        const nics = await nicsOn(run, row, host)
        const disk = await diskOn(run, row, host)
        if (!disk) return making
        await host.hypervisor.ensure(host.op, await specOf(run, row, { nics, disk }))
      }),
      async undo(run) {
        const row = await remains(run)
        if (row) await ifItAnswers(run, row.hostId, ({ hypervisor, op }) => hypervisor.remove(op, row.id))
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

/** What earlier steps made, and where: on another host it is made again. */
type Made = { hostId: string; nics?: NicAttachment[]; disk?: DiskAttachment }
const madeOn = (run: Build, hostId: string): Made => {
  const made = run.data.made as Made | undefined
  return made?.hostId === hostId ? made : { hostId }
}

async function nicsOn(run: Build, row: Built, { op }: OnHost): Promise<NicAttachment[]> {
  const made = madeOn(run, row.hostId)
  if (made.nics) return made.nics
  const nics = await plugPorts(run.ctx, op, { instanceId: row.id, hostId: row.hostId })
  await run.keep({ made: { ...made, nics } })
  return nics
}

/** Null while it is being made. */
async function diskOn(run: Build, row: Built, host: OnHost): Promise<DiskAttachment | null> {
  const made = madeOn(run, row.hostId)
  if (made.disk) return made.disk
  const disk = await makeDisk(run, row, host)
  if (!disk) return null
  await run.keep({ made: { ...made, disk } })
  return disk
}

/** Base (made once a host and image) and the overlay or copy on it. The disk has the instance's id. */
async function makeDisk(run: Build, row: Built, { storage, op }: OnHost): Promise<DiskAttachment | null> {
  const { blobId, format, virtualGib } = run.input.image
  const base = { blobId, format }
  const maxVirtualBytes = Math.max(virtualGib, row.diskGib) * 1024 ** 3
  if (!(await storage.ensureBase(op, { ...base, maxVirtualBytes }))) return null
  const disk = await storage.ensureDisk(op, {
    id: row.id,
    instanceId: row.id,
    projectId: row.projectId,
    sizeGib: row.diskGib,
    base,
    mode: diskModeOf(row.flavorSpecs as Record<string, string>),
  })
  return disk && { id: disk.id, path: disk.path, format: disk.format, boot: true }
}

/**
 * Nothing of the instance is on any host that answers: its addresses and its room go back, it stays in
 * error with the reason. Its own quota is its owner's until it is deleted.
 */
async function settleFailure(run: Build, error: CloudError): Promise<void> {
  const row = await currentRow(run)
  if (!row || !building(row)) return
  await releasePublicIp(run.ctx, row)
  await deletePorts(run.ctx, row)
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
