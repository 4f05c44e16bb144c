import type { Prisma } from '@stratolith/db'
import { CloudError } from '../../kernel/errors.ts'
import { defineWorkflow, type Run } from '../../kernel/workflow.ts'
import { deletePortsOfInstance, plugPorts, unplugPorts } from '../../networking/service.ts'
import type { InstanceRow } from '../instances/load.ts'
import { askForDeviceMs, deadlineMs, releaseMs } from './deadlines.ts'
import { currentRow } from './guest.ts'
import { givenUp, ifItAnswers, type OnHost, onHost } from './on-host.ts'

type Input = { portId: string }
type Built = InstanceRow & { hostId: string }
const runs = (row: InstanceRow) => row.vmState === 'active' || row.vmState === 'paused'

async function built(run: Run<Input>): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId && row.taskState !== 'deleting' ? { ...row, hostId: row.hostId } : null
}

/**
 * All NICs that the guest should have now, plugged or not; `without` is on its way out. Returns the
 * ports of those that the guest still holds.
 */
async function plugOn(
  run: Run<Input>,
  row: Built,
  { hypervisor, op }: OnHost,
  without?: string,
): Promise<string[]> {
  const nics = await plugPorts(run.ctx, op, { instanceId: row.id, hostId: row.hostId, without })
  return hypervisor.plugNics(op, row.id, nics)
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

defineWorkflow<Input>({
  action: 'instance.attach',
  deadlineMs: deadlineMs.attach,
  steps: [
    {
      name: 'plug',
      title: 'Plugging the interface in',
      async run(run) {
        const row = await built(run)
        if (row && runs(row)) await onHost(run, row.hostId, (host) => plugOn(run, row, host))
      },
      async undo(run) {
        const row = await built(run)
        if (row && runs(row))
          await ifItAnswers(run, row.hostId, (host) => plugOn(run, row, host, run.input.portId))
      },
    },
  ],
  async onFailed(run) {
    const row = await currentRow(run)
    if (!row) return
    await unplugPorts(run.ctx, run.op, [run.input.portId], {
      later: row.hostId !== null && row.hostId in givenUp(run),
    })
    await forgetPort(run, row)
  },
})

/** A guest that does not let go of its device keeps it: the operation fails and the port stays. */
defineWorkflow<Input>({
  action: 'instance.detach',
  deadlineMs: deadlineMs.detach,
  steps: [
    {
      name: 'unplug',
      title: 'Taking the interface out',
      async run(run) {
        const row = await built(run)
        if (!row || !runs(row)) return
        const { portId } = run.input
        const held = await onHost(run, row.hostId, (host) => plugOn(run, row, host, portId))
        if (!held.includes(portId)) return
        if (Date.now() - run.stepStartedAt.getTime() < releaseMs)
          return { waitMs: askForDeviceMs, for: 'the guest to let go of the device' }
        throw new CloudError(
          'conflict',
          'The guest does not let go of its interface. Try again when it has booted, or stop it first.',
        )
      },
      /** The port is still there, so the guest has it again; also one that let go of it too late. */
      async undo(run) {
        const row = await built(run)
        if (row && runs(row)) await ifItAnswers(run, row.hostId, (host) => plugOn(run, row, host))
      },
    },
    {
      name: 'port',
      title: 'Giving the address back',
      async run(run) {
        const row = await currentRow(run)
        if (!row) return
        await unplugPorts(run.ctx, run.op, [run.input.portId])
        await forgetPort(run, row)
      },
    },
  ],
  onFailed: async () => undefined,
})
