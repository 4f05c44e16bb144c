import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { driversOf } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { plainOp } from '../kernel/hosts.ts'
import { powerStates, type VmState } from './contract.ts'
import { asInstanceRow, type InstanceRow, moveState, noFault } from './instances/instance-row.ts'

/** States that the host may correct; the state of a build or an error is settled by its own workflow. */
const settled: readonly VmState[] = ['active', 'paused', 'stopped']

/**
 * Corrects the state of one instance, on which no action is under way, by what its host reports. Asks the host itself,
 * since an event may be older than an action that has ended meanwhile; the generation that was read before asking
 * guards the write. Returns `settled` when there is nothing more to see, and `changing` when an action is under way,
 * after which the guest may be in another state.
 */
export async function observeInstance(ctx: Ctx, hostId: string, id: string): Promise<'settled' | 'changing'> {
  const row = await ctx.deps.root.instance.findUnique({ where: { id } })
  if (!row || row.hostId !== hostId) return 'settled'
  if (row.taskState !== null) return 'changing'
  const observable = asInstanceRow(row)
  if (!isIdle(observable)) return 'settled'
  const { hypervisor } = await driversOf(ctx, hostId)
  const patch = correction(observable, await hypervisor.get(plainOp(ctx), id))
  return patch === null || (await correct(ctx, observable, patch)) ? 'settled' : 'changing'
}

/** The columns of a row that a host may know better. */
export type Observable = Pick<
  InstanceRow,
  'id' | 'projectId' | 'generation' | 'vmState' | 'taskState' | 'powerState'
>

export const isIdle = (row: Observable): boolean => row.taskState === null && settled.includes(row.vmState)

/** Writes the observed state when it differs from the row; `observed` is null when the host does not know the guest. */
export async function adopt(ctx: Ctx, row: Observable, observed: ObservedInstance | null): Promise<boolean> {
  const patch = correction(row, observed)
  return patch !== null && correct(ctx, row, patch)
}

/** Returns false when another change was faster. */
async function correct(ctx: Ctx, row: Observable, patch: Patch): Promise<boolean> {
  const won = await moveState({ ...ctx, db: ctx.deps.root }, row, patch)
  if (won)
    ctx.log.info(
      { instanceId: row.id, from: row.vmState, to: patch.vmState },
      'the host reports another state',
    )
  return won
}

type Patch = Parameters<typeof moveState>[2]

/** Returns the change that the row needs; null when the row is right. Pure. */
export function correction(
  row: Pick<InstanceRow, 'vmState' | 'powerState'>,
  observed: Pick<ObservedInstance, 'power' | 'reason'> | null,
): Patch | null {
  // A stopped guest need not exist: its disk and its row are enough.
  if (!observed)
    return row.vmState === 'stopped' ? null : { vmState: 'stopped', powerState: powerStates.shutdown }
  switch (observed.power) {
    case 'running':
      return row.vmState === 'active' && row.powerState === powerStates.running
        ? null
        : { vmState: 'active', powerState: powerStates.running, ...noFault }
    case 'paused':
      return row.vmState === 'paused' ? null : { vmState: 'paused', powerState: powerStates.paused }
    case 'off':
      return row.vmState === 'stopped' ? null : { vmState: 'stopped', powerState: powerStates.shutdown }
    case 'crashed':
      return {
        vmState: 'error',
        powerState: powerStates.crashed,
        faultCode: 500,
        faultMessage: 'The guest’s process has died. Its disk is safe: reboot it (hard).',
        faultDetail: observed.reason?.slice(-8_000) ?? null,
        faultAt: new Date(),
      }
  }
}
