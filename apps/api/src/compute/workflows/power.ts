import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { driversOf } from '../../kernel/hosts.ts'
import { defineWorkflow, type Run } from '../../kernel/workflow.ts'
import { powerStates, type TaskState, type VmState } from '../contract.ts'
import { type InstanceRow, noFault } from '../instances/load.ts'
import { existingDisk, faultOf, plugPorts, rowUnder, settle, specOf } from './guest.ts'

/** How long a guest may take to follow the power button before it is switched off. */
export const graceMs = 30_000

type Power = { vmState: VmState; powerState: number }
const powerOf: Record<ObservedInstance['power'], Power> = {
  running: { vmState: 'active', powerState: powerStates.running },
  paused: { vmState: 'paused', powerState: powerStates.paused },
  off: { vmState: 'stopped', powerState: powerStates.shutdown },
  crashed: { vmState: 'error', powerState: powerStates.crashed },
}

type Built = InstanceRow & { hostId: string }
type Tasks = (run: Run<unknown>) => TaskState

/**
 * First the call to the hypervisor, which replays without harm; then the state that the host
 * reported, unless the instance is being deleted or (in a replay) has been settled already.
 */
function definePower(
  action: string,
  taskOf: Tasks,
  title: string,
  call: (run: Run<unknown>, row: Built) => Promise<ObservedInstance>,
): void {
  defineWorkflow({
    action,
    steps: [
      {
        name: 'guest',
        title,
        async run(run) {
          const observed = await call(run, await rowUnder(run, taskOf(run)))
          await run.keep({ power: observed.power })
        },
      },
      {
        name: 'settle',
        title: 'Recording the state',
        async run(run) {
          const power = powerOf[run.data.power as ObservedInstance['power']]
          await settle(run, { ...power, taskState: null, ...noFault }, (row) => row.taskState === taskOf(run))
        },
      },
    ],
    async onFailed(run, error) {
      await settle(
        run,
        { vmState: 'error', taskState: null, ...faultOf(error) },
        (row) => row.taskState === taskOf(run),
      )
    },
  })
}

/** From whatever the host has left of it: ports applied, disk found, guest described anew and running. */
async function powerOn(run: Run<unknown>, row: Built): Promise<ObservedInstance> {
  const { hypervisor } = await driversOf(run.ctx, row.hostId)
  const nics = await plugPorts(run, row)
  const disk = await existingDisk(run, row)
  return hypervisor.ensure(run.op, await specOf(run, row, { disk, nics }))
}

definePower('instance.start', () => 'powering-on', 'Starting the guest', powerOn)

definePower(
  'instance.stop',
  () => 'powering-off',
  'Pressing the power button',
  async (run, row) => (await driversOf(run.ctx, row.hostId)).hypervisor.stop(run.op, row.id, { graceMs }),
)

definePower(
  'instance.pause',
  () => 'pausing',
  'Pausing the guest',
  async (run, row) => (await driversOf(run.ctx, row.hostId)).hypervisor.pause(run.op, row.id),
)

definePower(
  'instance.unpause',
  () => 'unpausing',
  'Resuming the guest',
  async (run, row) => (await driversOf(run.ctx, row.hostId)).hypervisor.unpause(run.op, row.id),
)

const kindOf = (run: Run<unknown>) => (run.input as { kind: 'soft' | 'hard' }).kind
definePower(
  'instance.reboot',
  (run) => (kindOf(run) === 'hard' ? 'rebooting_hard' : 'rebooting'),
  'Rebooting the guest',
  async (run, row) => {
    const { hypervisor } = await driversOf(run.ctx, row.hostId)
    const before = await hypervisor.get(run.op, row.id)
    // A reboot of a guest that is off is a start from what is on disk.
    if (before?.power !== 'running' && before?.power !== 'paused') return powerOn(run, row)
    return hypervisor.reboot(run.op, row.id, { kind: kindOf(run), graceMs })
  },
)
