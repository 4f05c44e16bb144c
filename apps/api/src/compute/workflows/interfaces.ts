import type { Prisma } from '@stratolith/db'
import { driversOf } from '../../kernel/hosts.ts'
import { defineWorkflow, type Run } from '../../kernel/workflow.ts'
import {
  applyPort,
  bindPort,
  deletePortsOfInstance,
  portsOfInstance,
  unplugPort,
} from '../../networking/service.ts'
import type { InstanceRow } from '../instances/load.ts'
import { currentRow } from './guest.ts'

type Input = { portId: string }
type Built = InstanceRow & { hostId: string }
const runs = (row: InstanceRow) => row.vmState === 'active' || row.vmState === 'paused'

async function built(run: Run<Input>): Promise<Built | null> {
  const row = await currentRow(run)
  return row?.hostId && row.taskState !== 'deleting' ? { ...row, hostId: row.hostId } : null
}

/** All NICs that the guest should have now, plugged or not; `without` is on its way out. */
async function plugAll(run: Run<Input>, row: Built, without?: string): Promise<void> {
  const { hypervisor } = await driversOf(run.ctx, row.hostId)
  const nics = []
  for (const port of await portsOfInstance(run.ctx, row.id)) {
    if (port.id === without) continue
    if (port.hostId !== row.hostId) await bindPort(run.ctx, port.id, row.hostId)
    const { tap, mtu } = await applyPort(run.ctx, run.op, port.id)
    nics.push({ portId: port.id, mac: port.mac, tap, mtu })
  }
  await hypervisor.plugNics(run.op, row.id, nics)
}

/** The port is off the host and its row gone, or returned to whom it was lent from. */
async function dropPort(run: Run<Input>, row: InstanceRow): Promise<void> {
  const { portId } = run.input
  await unplugPort(run.ctx, run.op, portId)
  await deletePortsOfInstance(run.ctx, run.op, row.id, { lent: row.lentPortIds, only: [portId] })
  const lentPortIds: Prisma.InstanceUpdatelentPortIdsInput = {
    set: row.lentPortIds.filter((id) => id !== portId),
  }
  await run.ctx.deps.root.instance.updateMany({ where: { id: row.id }, data: { lentPortIds } })
}

defineWorkflow<Input>({
  action: 'instance.attach',
  steps: [
    {
      name: 'plug',
      title: 'Plugging the interface in',
      async run(run) {
        const row = await built(run)
        if (row && runs(row)) await plugAll(run, row)
      },
      async undo(run) {
        const row = await built(run)
        if (row && runs(row)) await plugAll(run, row, run.input.portId)
      },
    },
  ],
  async onFailed(run) {
    const row = await currentRow(run)
    if (row) await dropPort(run, row)
  },
})

/** A guest that does not let go of its device keeps it: the operation fails and the port stays. */
defineWorkflow<Input>({
  action: 'instance.detach',
  steps: [
    {
      name: 'unplug',
      title: 'Taking the interface out',
      async run(run) {
        const row = await built(run)
        if (row && runs(row)) await plugAll(run, row, run.input.portId)
      },
      /** The port is still there, so the guest has it again; also one that let go of it too late. */
      async undo(run) {
        const row = await built(run)
        if (row && runs(row)) await plugAll(run, row)
      },
    },
    {
      name: 'port',
      title: 'Giving the address back',
      async run(run) {
        const row = await currentRow(run)
        if (row) await dropPort(run, row)
      },
    },
  ],
  onFailed: async () => undefined,
})
