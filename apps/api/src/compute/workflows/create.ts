import { releaseHost } from '../../hosts/service.ts'
import { inTransaction } from '../../kernel/context.ts'
import { CloudError, invariant } from '../../kernel/errors.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { portsOfInstance } from '../../networking/service.ts'
import { powerStates } from '../contract.ts'
import type { Base } from '../documents.ts'
import { type InstanceRow, moveState, noFault } from '../instances/instance-row.ts'
import type { Where } from '../instances/place-again.ts'
import { deletePorts, releasePublicIp } from '../instances/ports.ts'
import { onSomeHost } from './another-host.ts'
import { deadlineMs } from './deadlines.ts'
import { currentRow, faultOf, settle, tellHost } from './guest.ts'
import { ifItAnswers, tellOfEnd } from './on-host.ts'

/** What the launch has found out and the build must not ask again. */
export type CreateInput = {
  /** In builds that were queued by an older version: their rows do not say what their disks are made of. */
  image?: Base
  /** Absent in such builds, too: any host will do. */
  where?: Where
}
type Build = Run<CreateInput>
type Built = InstanceRow & { hostId: string }

const building = (row: InstanceRow) => row.vmState === 'building' && row.taskState !== 'deleting'

/**
 * Every try begins here: whoever asked for the instance may have asked for its end meanwhile. Then the
 * build ends, and the delete, queued behind it, finds little left. Null: an earlier try has built it.
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
  deadlineMs: deadlineMs.create,
  steps: [
    {
      name: 'host',
      title: 'Making network, disk and guest on its host',
      run: (run) =>
        onSomeHost(
          run,
          run.input.where ?? {},
          () => wanted(run),
          (row) => make(run, row),
        ),
      /** The instance may have run for a moment: it goes back to building, so that the failure settles it. */
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
  const answer = await tellHost(run, row)
  if ('waitMs' in answer) {
    // Said only when it takes long enough to be seen.
    if (row.taskState !== 'spawning') await settle(run, { taskState: 'spawning' }, building, row)
    return answer
  }
  const active = {
    vmState: 'active',
    taskState: null,
    powerState: powerStates.running,
    launchedAt: new Date(),
    // It is on the config drive now and nobody else's business.
    adminPass: null,
    ...noFault,
  } as const
  await settle(run, active, building, row)
}

/**
 * Its addresses and its room go back, it stays in error with the reason; its host hears that it is to be
 * without it. Its own quota is its owner's until it is deleted.
 */
async function settleFailure(run: Build, error: CloudError): Promise<void> {
  const row = await currentRow(run)
  if (!row || !building(row)) return
  const ports = await portsOfInstance(run.ctx, row.id)
  await releasePublicIp(run.ctx, row)
  await deletePorts(run.ctx, row)
  await inTransaction(run.ctx, async (ctx) => {
    await ctx.db.$queryRaw`SELECT 1 FROM "Instance" WHERE "id" = ${row.id}::uuid FOR UPDATE`
    const now = await ctx.db.instance.findUnique({ where: { id: row.id } })
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
  const { id, hostId } = row
  if (hostId) await ifItAnswers(run, hostId, () => tellOfEnd(run, { id, hostId }, ports))
}
