import type { Prisma } from '@stratolith/db'
import { CloudError } from '../../kernel/errors.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { bindPort, deletePortsOfInstance, unbindPorts } from '../../networking/service.ts'
import type { InstanceRow } from '../instances/instance-row.ts'
import { deadlineMs, releaseMs } from './deadlines.ts'
import { currentRow, tellHost } from './guest.ts'
import { ifItAnswers, orGiveUp } from './on-host.ts'

type Input = { portId: string }
type Built = InstanceRow & { hostId: string }
const runs = (row: InstanceRow) => row.vmState === 'active' || row.vmState === 'paused'

async function built(run: Run<Input>): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId && row.taskState !== 'deleting' ? { ...row, hostId: row.hostId } : null
}

/** The row of a port that is off its host: gone, or returned to whom it was lent from. */
async function forgetPort(run: Run<Input>, row: InstanceRow): Promise<void> {
  const { portId } = run.input
  await deletePortsOfInstance(run.ctx, row.id, { lent: row.lentPortIds, only: [portId] })
  const lentPortIds: Prisma.InstanceUpdatelentPortIdsInput = {
    set: row.lentPortIds.filter((id) => id !== portId),
  }
  await run.ctx.deps.root.instance.updateMany({ where: { id: row.id }, data: { lentPortIds } })
}

/** What the guest has is asked again in a moment, so that it need not be known here. */
const forItsGuest = async (run: Run<Input>, row: Built): Promise<Wait | undefined> => {
  const answer = await orGiveUp(run, row.hostId, () => tellHost(run, row))
  return 'waitMs' in answer ? answer : undefined
}

export const attachment: Workflow<Input> = {
  action: 'instance.attach',
  deadlineMs: deadlineMs.attach,
  steps: [
    {
      name: 'plug',
      title: 'Plugging the interface in',
      async run(run) {
        const row = await built(run)
        if (row && runs(row)) return forItsGuest(run, row)
      },
    },
  ],
  async onFailed(run) {
    const row = await currentRow(run)
    if (!row) return
    await unbindPorts(run.ctx, [run.input.portId])
    const { id, hostId } = row
    if (hostId && runs(row)) await ifItAnswers(run, hostId, () => tellHost(run, { id, hostId }))
    await forgetPort(run, row)
  },
}

/** A guest that does not let go of its device keeps it: the operation fails and the port stays. */
export const detachment: Workflow<Input> = {
  action: 'instance.detach',
  deadlineMs: deadlineMs.detach,
  steps: [
    {
      name: 'unplug',
      title: 'Taking the interface out',
      async run(run) {
        const row = await built(run)
        if (!row) return
        await unbindPorts(run.ctx, [run.input.portId])
        const wait = runs(row) ? await forItsGuest(run, row) : undefined
        if (!wait || Date.now() - run.stepStartedAt.getTime() < releaseMs) return wait
        throw new CloudError(
          'conflict',
          'The guest does not let go of its interface. Try again when it has booted, or stop it first.',
        )
      },
      /** The port is still there, so the guest has it again; also one that let go of it too late. */
      async undo(run) {
        const row = await built(run)
        if (!row) return
        await bindPort(run.ctx, run.input.portId, row.hostId)
        if (runs(row)) await ifItAnswers(run, row.hostId, () => tellHost(run, row))
      },
    },
    {
      name: 'port',
      title: 'Giving the address back',
      async run(run) {
        const row = await currentRow(run)
        if (row) await forgetPort(run, row)
      },
    },
  ],
  onFailed: async () => undefined,
}
