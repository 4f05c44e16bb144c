import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { deliver } from '../../hosts/service.ts'
import { driverCode } from '../../kernel/hosts.ts'
import type { Run, Wait, Workflow } from '../../kernel/workflow.ts'
import { powerStates, type TaskState, type VmState } from '../contract.ts'
import { type InstanceRow, noFault } from '../instances/instance-row.ts'
import { deadlineMs, graceMs, pressAgainMs } from './deadlines.ts'
import { currentRow, faultOf, rowUnder, settle, tellHost } from './guest.ts'
import { givenUp, type OnHost, onHost, orGiveUp } from './on-host.ts'

type Power = { vmState: VmState; powerState: number }
const powerOf: Record<ObservedInstance['power'], Power> = {
  running: { vmState: 'active', powerState: powerStates.running },
  paused: { vmState: 'paused', powerState: powerStates.paused },
  off: { vmState: 'stopped', powerState: powerStates.shutdown },
  crashed: { vmState: 'error', powerState: powerStates.crashed },
}

type Built = InstanceRow & { hostId: string }
type Tasks = (run: Run<unknown>) => TaskState
/** Calls the hypervisor; returns the state that the host reports, or the work that is waited for. */
type Call = (run: Run<unknown>, row: Built, host: OnHost) => Promise<ObservedInstance | Wait>

/**
 * Makes the workflow of an action on power: first the call to the hypervisor, which can be repeated without harm, then
 * the state that the host has reported, unless the instance is being deleted or (in a replay) has been settled already.
 */
function changingPower(
  { action, deadlineMs, title }: { action: string; deadlineMs: number; title: string },
  taskOf: Tasks,
  call: Call,
): Workflow {
  return {
    action,
    deadlineMs,
    steps: [
      {
        name: 'guest',
        title,
        async run(run) {
          const row = await rowUnder(run, taskOf(run))
          const { hostId } = row
          const answer = await orGiveUp(run, hostId, () =>
            onHost(run, hostId, (host) => call(run, row, host)),
          )
          if ('waitMs' in answer) return answer
          await run.keep({ power: answer.power })
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
      const row = await currentRow(run)
      const isSilent = row?.hostId != null && givenUp(run)[row.hostId] !== undefined
      // While the host is silent, nothing new is known of the guest, so its state stays.
      const asItWas = { taskState: null }
      const broken = { vmState: 'error' as const, taskState: null, ...faultOf(error) }
      await settle(run, isSilent ? asItWas : broken, (now) => now.taskState === taskOf(run), row)
    },
  }
}

/**
 * Powers the guest on from whatever its host still has of it: ports are applied, the disk is found, the guest is
 * described anew and runs.
 */
const powerOn: Call = async (run, row, { hypervisor, op }) => {
  const answer = await tellHost(run, row)
  // When the host had heard of the wish before, while the guest was still running, it does not power on again: the host
  // does so once for a wish.
  return 'waitMs' in answer || answer.power === 'running' ? answer : hypervisor.start(op, row.id)
}

/** Presses the button again and again. Returns the wait, or null once the guest is off or its time is over. */
async function askToShutDown(run: Run<unknown>, { hypervisor, op }: OnHost): Promise<Wait | null> {
  const leftMs = graceMs - (Date.now() - run.stepStartedAt.getTime())
  if (leftMs <= 0) return null
  const pressed = await hypervisor.pressButton(op, run.resourceId).catch((error: unknown) => {
    if (driverCode(error) === 'conflict') return null // the guest has just gone off
    throw error
  })
  if (pressed?.power !== 'running') return null
  return { waitMs: Math.min(pressAgainMs, leftMs), for: 'the guest to shut down' }
}

const starting = changingPower(
  { action: 'instance.start', deadlineMs: deadlineMs.start, title: 'Starting the guest' },
  () => 'powering-on',
  powerOn,
)

const stopping = changingPower(
  { action: 'instance.stop', deadlineMs: deadlineMs.stop, title: 'Pressing the power button' },
  () => 'powering-off',
  async (run, row, host) => {
    // An earlier wish that powers the guest on, and arrives late, must be older than the wish that the host has heard.
    await deliver(run.ctx, host.op, row.hostId, { kinds: [], gone: [], now: [row.id] })
    const seen = await host.hypervisor.get(host.op, row.id)
    // A paused guest cannot react to its button.
    const wait = seen?.power === 'running' ? await askToShutDown(run, host) : null
    return wait ?? host.hypervisor.stop(host.op, row.id)
  },
)

const pausing = changingPower(
  { action: 'instance.pause', deadlineMs: deadlineMs.pause, title: 'Pausing the guest' },
  () => 'pausing',
  (_run, row, { hypervisor, op }) => hypervisor.pause(op, row.id),
)

const unpausing = changingPower(
  { action: 'instance.unpause', deadlineMs: deadlineMs.pause, title: 'Unpausing the guest' },
  () => 'unpausing',
  (_run, row, { hypervisor, op }) => hypervisor.unpause(op, row.id),
)

const kindOf = (run: Run<unknown>) => (run.input as { kind: 'soft' | 'hard' }).kind
const rebooting = changingPower(
  { action: 'instance.reboot', deadlineMs: deadlineMs.reboot, title: 'Rebooting the guest' },
  (run) => (kindOf(run) === 'hard' ? 'rebooting_hard' : 'rebooting'),
  async (run, row, host) => {
    const seen = await host.hypervisor.get(host.op, row.id)
    // This also holds when the guest has followed the button: a reboot of a stopped guest is a start.
    if (!seen || seen.pid === null) return powerOn(run, row, host)
    const before = run.data.process as { pid: number; startedAt: string | null } | undefined
    if (before && (before.pid !== seen.pid || before.startedAt !== seen.startedAt)) return seen
    if (!before) await run.keep({ process: { pid: seen.pid, startedAt: seen.startedAt } })
    if (kindOf(run) === 'hard' || seen.power !== 'running') return host.hypervisor.reboot(host.op, row.id)
    const wait = await askToShutDown(run, host)
    if (wait) return wait
    return host.hypervisor.reboot(host.op, row.id)
  },
)

export const powerWorkflows = [starting, stopping, pausing, unpausing, rebooting]
