import type { Receipt } from '@stratolith/drivers/documents/interface'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import { deliver, driversOf, hostState } from '../../hosts/service.ts'
import { CloudError, toCloudError } from '../../kernel/errors.ts'
import { driverCode, plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { Run } from '../../kernel/workflow.ts'

/**
 * A host that refuses is asked again for this long (`launchMs` for a launch, `actMs` otherwise), because its agent may
 * be restarting. A silent host has had most of that time already (kernel/hosts.ts). Variables only for tests.
 */
export const patience = { launchMs: 5_000, actMs: 15_000, askAgainMs: 1_000, probeMs: 2_000 }

/** The drivers that a step uses on a host, and the op that ends when the host falls silent. */
export type OnHost = HostDrivers & { op: Op }

/** Makes the driver calls of one step on one host; the calls end soon when the host falls silent. */
export async function onHost<T>(
  run: Run<unknown>,
  hostId: string,
  work: (host: OnHost) => Promise<T>,
): Promise<T> {
  const drivers = await driversOf(run.ctx, hostId)
  return whileAnswering(run.op, drivers, (op) => work({ ...drivers, op }))
}

/** Returns the hosts that this operation has given up, with the reasons: nothing more is asked of them. */
export const givenUp = (run: Run<unknown>): Readonly<Record<string, string>> =>
  (run.data.givenUp ?? {}) as Record<string, string>

export async function giveUp(run: Run<unknown>, hostId: string, reason: string): Promise<undefined> {
  await run.keep({ givenUp: { ...givenUp(run), [hostId]: reason } })
}

/**
 * For undo and removal, which must end: no step waits for a host that does not answer. The host hears of the change
 * later (hosts/documents.ts).
 */
export async function ifItAnswers(
  run: Run<unknown>,
  hostId: string,
  work: () => Promise<unknown>,
): Promise<void> {
  if (givenUp(run)[hostId]) return
  try {
    await work()
  } catch (error) {
    if (driverCode(error) === null) throw error
    const { detail } = toCloudError(error)
    run.ctx.log.warn({ err: error, hostId, resourceId: run.resourceId }, 'left on its host for now')
    await giveUp(run, hostId, detail ?? 'It did not answer.')
  }
}

/**
 * For actions on a built instance: a host that does not answer is tried again (its agent may be restarting), until it
 * counts as down or has been in trouble for `patience.actMs`. Then the host is given up and the action ends as a
 * conflict, which is final, instead of holding the instance until the deadline.
 */
export async function orGiveUp<T>(run: Run<unknown>, hostId: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now()
  try {
    // A call to a host that is still silent takes 12 s, so a small question comes before a second call.
    if (run.data.silentSince) await demandAnswer(run, hostId)
    const answer = await work()
    // The host has answered: later trouble, after the guest's time to shut down, is new trouble.
    if (run.data.silentSince) await run.keep({ silentSince: false })
    return answer
  } catch (error) {
    if (driverCode(error) !== 'unavailable' || run.op.signal.aborted) throw error
    const since = (run.data.silentSince || startedAt) as number
    if ((await isThere(run, hostId)) && Date.now() - since < patience.actMs) {
      if (!run.data.silentSince) await run.keep({ silentSince: since })
      throw error
    }
    const detail = toCloudError(error).detail ?? 'It did not answer.'
    run.ctx.log.warn({ err: error, hostId, instanceId: run.resourceId }, 'a silent host is given up')
    await giveUp(run, hostId, detail)
    throw new CloudError(
      'conflict',
      'The machine that this instance is on does not answer. Nothing was changed, and it is not done later: ask for it again when the machine is back.',
      { detail, cause: error },
    )
  }
}

/** Asks the host a small question. Throws `unavailable` when the host does not answer within `patience.probeMs`. */
export async function demandAnswer(run: Run<unknown>, hostId: string): Promise<void> {
  const drivers = await driversOf(run.ctx, hostId)
  const op = plainOp(run.ctx, patience.probeMs)
  await whileAnswering(op, drivers, (watched) => drivers.hypervisor.probe(watched))
}

async function isThere(run: Run<unknown>, hostId: string): Promise<boolean> {
  const state = await hostState({ db: run.ctx.deps.root }, hostId)
  return state === 'up' || state === 'suspect'
}

/** Tells the host now that an instance and these ports are to be removed; their documents say so already. */
export function tellOfEnd(
  run: Run<unknown>,
  { id, hostId }: { id: string; hostId: string },
  ports: readonly { id: string }[],
): Promise<Receipt[]> {
  const now = [id, ...ports.map((port) => port.id)]
  return deliver(run.ctx, run.op, hostId, { kinds: [], gone: [], now })
}
