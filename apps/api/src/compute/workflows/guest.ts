import type { DocumentKind, Receipt } from '@stratolith/drivers/documents/interface'
import { documentKinds } from '@stratolith/drivers/documents/kinds'
import type { ObservedInstance } from '@stratolith/drivers/hypervisor/interface'
import { deliver, doubt, driversOf, errorOf } from '../../hosts/service.ts'
import { CloudError, invariant, toCloudError } from '../../kernel/errors.ts'
import type { Run, Wait } from '../../kernel/workflow.ts'
import { documentsOfInstance } from '../../networking/service.ts'
import { asInstanceRow, type InstanceRow, moveState } from '../instances/instance-row.ts'

/** Returns the row as it is now; null when the row is gone. */
export async function currentRow(run: Run<unknown>): Promise<InstanceRow | null> {
  const row = await run.ctx.deps.root.instance.findUnique({ where: { id: run.resourceId } })
  return row && asInstanceRow(row)
}

/**
 * Returns the row for an action on a built instance: the instance must exist, be on a host, and still be under this
 * action.
 */
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
 * Calls moveState on the newest generation, and tries again when another change was faster. `known` is the row when the
 * caller has just read it.
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

/**
 * Kinds of removed things that may be in the way of the guest; guests that are being removed are not, and take their
 * time.
 */
const notGuests = documentKinds.filter((kind) => kind !== 'instance')

/**
 * After this time the host is asked again: the host goes on converting or copying, or the guest takes its time, and no
 * operation waits for them in a slot.
 */
const askAgainMs = 1_000

/**
 * Tells the host the wish for the instance as its row says now, in one call with everything that the instance needs
 * there: networks, ports, disk, guest. Returns the guest, or the work that is waited for. Throws the host's error when
 * the host fails, and `unavailable` when the host is silent.
 */
export async function tellHost(
  run: Run<unknown>,
  { id, hostId }: { id: string; hostId: string },
): Promise<ObservedInstance | Wait> {
  const its = await documentsOfInstance(run.ctx, id)
  const things = its.map((one) => one.thing)
  const about = { kinds: [], gone: notGuests, now: things, always: [id] }
  let receipts = await deliver(run.ctx, run.op, hostId, about)
  const isIts = (receipt: Receipt) => receipt.id === id || things.includes(receipt.id)
  if (receipts.some((one) => isIts(one) && (one.outcome === 'older' || one.outcome === 'failed')))
    if (await hasLost(run, hostId, { id, its, receipts })) {
      for (const kind of ['network', 'port'] as const) await doubt(run.ctx, hostId, kind, of(its, kind))
      receipts = await deliver(run.ctx, run.op, hostId, about)
    }
  // The kinds are read in the order in which they need each other: the first error explains the others.
  for (const kind of ['network', 'port', 'instance'])
    for (const receipt of receipts)
      if (receipt.kind === kind && receipt.outcome === 'failed' && isIts(receipt))
        throw toCloudError(errorOf(receipt))
  const receipt = receipts.find((one) => one.kind === 'instance' && one.id === id)
  if (receipt?.outcome === 'working') return { waitMs: askAgainMs, for: receipt.for }
  if (receipt?.outcome !== 'reached' || !receipt.guest)
    throw new CloudError('unavailable', 'The instance is being changed at this moment. Trying again helps.')
  return receipt.guest
}

type Thing = { kind: DocumentKind; thing: string }
const of = (things: readonly Thing[], kind: DocumentKind) =>
  things.flatMap((one) => (one.kind === kind ? one.thing : []))

type Told = { id: string; its: readonly Thing[]; receipts: readonly Receipt[] }
/**
 * Whether the host has lost a port that it had confirmed, or has heard newer documents than these rows, of a backup,
 * know.
 */
async function hasLost(run: Run<unknown>, hostId: string, { id, its, receipts }: Told): Promise<boolean> {
  if (receipts.some((one) => one.outcome === 'older')) return true
  const { network } = await driversOf(run.ctx, hostId)
  const there = new Set((await network.describePorts(run.op, id)).map((one) => one.port.id))
  return of(its, 'port').some((port) => !there.has(port))
}

/** The columns of a row for a failure: the message for everybody, the detail for administrators. */
export const faultOf = (error: CloudError) => ({
  faultCode: 500,
  faultMessage: error.message,
  faultDetail: error.detail,
  faultAt: new Date(),
})
