import { releaseHost } from '../../hosts/service.ts'
import { inTransaction } from '../../kernel/context.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { portsOfInstance } from '../../networking/service.ts'
import {
  areLaunchVolumesMade,
  bindLaunchVolumes,
  finishAttachment,
  forgetVolumesOf,
  waitingForCopiesMs,
} from '../../volumes/service.ts'
import { powerStates } from '../contract.ts'
import type { Base } from '../documents.ts'
import { roomOf } from '../guests.ts'
import { type InstanceRow, moveState, noFault } from '../instances/instance-row.ts'
import type { Where } from '../instances/place-again.ts'
import { deletePorts, releasePublicIp } from '../instances/ports.ts'
import { onSomeHost } from './another-host.ts'
import { deadlineMs } from './deadlines.ts'
import { currentRow, faultOf, settle, tellHost } from './guest.ts'
import { ifItAnswers, tellOfEnd } from './on-host.ts'

/** Facts that the launch has found out and that the build must not read again. */
export type CreateInput = {
  /** Present in builds that an older version has queued: their rows do not say what their disks are made of. */
  image?: Base
  /** The wanted place; absent in builds of an older version, and when any host will do. */
  where?: Where
  /** The volumes that the launch makes; absent when the instance has no volumes. */
  volumes?: readonly string[]
}
type Build = Run<CreateInput>
type Built = InstanceRow & { hostId: string }

const building = (row: InstanceRow) => row.vmState === 'building' && row.taskState !== 'deleting'

/**
 * Begins every try: the instance may have been deleted meanwhile. Then the build ends, and the deletion, which is
 * queued behind the build, finds little left. Returns null when an earlier try has built the instance.
 */
async function wanted(run: Build): Promise<Built | null> {
  const row = await currentRow(run)
  if (row && row.vmState !== 'building') return null
  if (!row || !building(row))
    throw new CloudError('conflict', 'The instance was deleted while it was being built.')
  const { image } = run.input
  if (image && !('blobId' in (row.base as object)))
    await run.ctx.deps.root.instance.update({ where: { id: row.id }, data: { base: image } })
  const { hostId } = row
  invariant(hostId !== null, `instance ${row.id} is building without a host`)
  return { ...row, hostId }
}

export const creation: Workflow<CreateInput> = {
  action: 'instance.create',
  deadlineMs: waitingForCopiesMs + deadlineMs.create,
  steps: [
    {
      name: 'volumes',
      title: 'Waiting for its volumes',
      deadlineMs: waitingForCopiesMs,
      async run(run): Promise<Wait | undefined> {
        // Volumes that the launch makes have operations of their own, which wake this one.
        if (!run.input.volumes || !(await wanted(run))) return undefined
        const made = await areLaunchVolumesMade(run.ctx, run.resourceId)
        return made ? undefined : { waitMs: 5_000, for: 'its volumes to be made' }
      },
    },
    {
      name: 'host',
      title: 'Making network, disk and guest on its host',
      deadlineMs: deadlineMs.create,
      run: (run) =>
        onSomeHost(
          run,
          run.input.where ?? {},
          () => wanted(run),
          (row) => make(run, row),
        ),
      /**
       * The instance may have run for a moment. The undo sets it back to building, so that the settling of the failure
       * finds it.
       */
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
}

async function make(run: Build, row: Built): Promise<Wait | undefined> {
  const volumes = run.input.volumes ? await bindLaunchVolumes(run.ctx, row.id, row.hostId) : []
  const answer = await tellHost(run, row)
  if ('waitMs' in answer) {
    // The state changes only when the work takes long enough to be seen.
    if (row.taskState !== 'spawning') await settle(run, { taskState: 'spawning' }, building, row)
    return answer
  }
  const active = {
    vmState: 'active',
    taskState: null,
    powerState: powerStates.running,
    launchedAt: new Date(),
    // The password is on the config drive now, and nobody else needs it.
    adminPass: null,
    ...noFault,
  } as const
  for (const volumeId of volumes) await finishAttachment(run.ctx, volumeId, row.id)
  await settle(run, active, building, row)
}

/**
 * Settles a failed build: addresses, volumes and room are released, the instance stays in error with the reason, and its
 * host is told to remove it. The quota of the instance stays in use until the owner deletes the instance.
 */
async function settleFailure(run: Build, error: CloudError): Promise<void> {
  await settleInstance(run, error)
  await inTransaction({ ...run.ctx, db: run.ctx.deps.root }, async (tx) => {
    const [row] = await tx.db.$queryRaw<
      { vmState: string; taskState: string | null; hostId: string | null }[]
    >`
      SELECT "vmState", "taskState", "hostId" FROM "Instance" WHERE "id" = ${run.resourceId}::uuid FOR UPDATE`
    // A deletion of the instance gives its volumes back itself, and another outcome keeps them.
    const isNowhere = row?.vmState === 'error' && row.hostId === null && row.taskState !== 'deleting'
    if (isNowhere) await forgetVolumesOf(tx, run.resourceId, run.input.volumes)
  })
}

async function settleInstance(run: Build, error: CloudError): Promise<void> {
  const row = await currentRow(run)
  if (!row || !building(row)) return
  const ports = await portsOfInstance(run.ctx, row.id)
  await releasePublicIp(run.ctx, row)
  await deletePorts(run.ctx, row)
  await inTransaction(run.ctx, async (ctx) => {
    await ctx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${row.id}::uuid FOR UPDATE`
    const now = await ctx.db.instance.findUnique({ where: { id: row.id } })
    if (!now || now.taskState === 'deleting' || now.vmState !== 'building') return
    if (now.hostId) await releaseHost(ctx, now.hostId, roomOf(now))
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
  const { id, hostId } = row
  if (hostId) await ifItAnswers(run, hostId, () => tellOfEnd(run, { id, hostId }, ports))
}
