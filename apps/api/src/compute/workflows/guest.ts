import type { Receipt } from '@stratolith/drivers/documents/interface'
import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { deliver, doubt, errorOf } from '../../hosts/service.ts'
import { CloudError, invariant, toCloudError } from '../../kernel/errors.ts'
import { driversOf } from '../../kernel/hosts.ts'
import type { Run, Wait } from '../../kernel/workflow.ts'
import { networkKinds, portsOfInstance } from '../../networking/service.ts'
import { type InstanceRow, moveState, typed } from '../instances/load.ts'

/** The row as it is now; null when it is gone. */
export async function currentRow(run: Run<unknown>): Promise<InstanceRow | null> {
  const row = await run.ctx.deps.root.instance.findUnique({ where: { id: run.resourceId } })
  return row && typed(row)
}

/** For actions on a built instance: it must be there, on a host, and still under this action. */
export async function rowUnder(run: Run<unknown>, task: string): Promise<InstanceRow & { hostId: string }> {
  const row = await currentRow(run)
  if (!row || row.taskState === 'deleting')
    throw new CloudError('conflict', 'The instance was deleted while this was under way.')
  invariant(row.taskState === task, `instance ${row.id} is ${row.taskState ?? 'idle'} instead of ${task}`)
  const { hostId } = row
  invariant(hostId !== null, `instance ${row.id} has no host`)
  return { ...row, hostId }
}

/**
 * moveState on the newest generation; tries again when it loses.
 * `known` is the row when the caller has just read it.
 */
export async function settle(
  run: Run<unknown>,
  patch: Parameters<typeof moveState>[2],
  only: (row: InstanceRow) => boolean,
  known: InstanceRow | null = null,
): Promise<InstanceRow | null> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const row = attempt === 0 && known ? known : await currentRow(run)
    if (!row || !only(row)) return null
    if (await moveState(run.ctx, row, patch, run.operationId)) return row
  }
  throw new CloudError('unavailable', 'The instance changes too fast. Trying again helps.')
}

/** What may be in the way; guests that go are no hindrance, and take their time. */
const notGuests = [...networkKinds, 'port'] as const

/** The host goes on converting or copying, or the guest takes its time; nobody waits for it in a slot. */
const askAgainMs = 1_000

/**
 * The instance on its host as its row says now, in one call with all that it needs there: networks, ports,
 * disk, guest. Returns the guest, or what is waited for. Throws what the host says when it cannot, and
 * `unavailable` when it is silent.
 */
export async function tellHost(
  run: Run<unknown>,
  { id, hostId }: { id: string; hostId: string },
): Promise<ObservedInstance | Wait> {
  const ports = await portsOfInstance(run.ctx, id)
  const now = ports.map((port) => port.id)
  const about = { kinds: networkKinds, gone: notGuests, now, always: [id] }
  const networks = [...new Set(ports.map((port) => port.networkId))]
  const its = new Set([id, ...now, ...networks])
  let receipts = await deliver(run.ctx, run.op, hostId, about)
  if (receipts.some((one) => its.has(one.id) && one.outcome !== 'reached' && one.outcome !== 'working'))
    if (await hasLost(run, hostId, { id, ports: now, receipts })) {
      await doubt(run.ctx, hostId, 'port', now)
      await doubt(run.ctx, hostId, 'network', networks)
      receipts = await deliver(run.ctx, run.op, hostId, { ...about, now: [...now, ...networks] })
    }
  // In the order in which they need each other: the first one says why the others could not be, either.
  for (const kind of ['network', 'port', 'instance'])
    for (const receipt of receipts)
      if (receipt.kind === kind && receipt.outcome === 'failed' && its.has(receipt.id))
        throw toCloudError(errorOf(receipt))
  const receipt = receipts.find((one) => one.kind === 'instance' && one.id === id)
  if (receipt?.outcome === 'working') return { waitMs: askAgainMs, for: receipt.for }
  if (receipt?.outcome !== 'reached' || !receipt.guest)
    throw new CloudError('unavailable', 'The instance is being changed at this moment. Trying again helps.')
  return receipt.guest
}

type Told = { id: string; ports: readonly string[]; receipts: readonly Receipt[] }
/** The host has not any more what it had confirmed, or it has heard more than these rows, of a backup, know. */
async function hasLost(run: Run<unknown>, hostId: string, { id, ports, receipts }: Told): Promise<boolean> {
  if (receipts.some((one) => one.outcome === 'older')) return true
  const { network } = await driversOf(run.ctx, hostId)
  const there = new Set((await network.describePorts(run.op, id)).map((one) => one.port.id))
  return ports.some((port) => !there.has(port))
}

/** The row's words for a failure: public message, detail for administrators. */
export const faultOf = (error: CloudError) => ({
  faultCode: 500,
  faultMessage: error.message,
  faultDetail: error.detail,
  faultAt: new Date(),
})
