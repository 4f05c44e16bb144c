/**
 * What workflows ask of hosts: a row says what is wanted, its document tells the host (hosts/documents.ts), and this
 * file waits for the host's answer.
 */
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { answersOf, deliverThings } from '../hosts/service.ts'
import { toCloudError } from '../kernel/errors.ts'
import type { Run, Wait } from '../kernel/workflow.ts'

/**
 * A host that is up but has not answered for so long is not waited for: it keeps its list of documents and gets them
 * later. The value is in an object so that tests can change it.
 */
export const patience = { silentMs: 15_000 }

/**
 * Waits until the hosts that answer have these things as they are wanted now (with `wanted` false: no longer have
 * them). Throws the error of a host that cannot do so, unless another host can: then the error is shown on that host
 * alone.
 */
export async function heard(
  run: Run<unknown>,
  things: Partial<Record<DocumentKind, string[]>>,
  wanted = true,
): Promise<Wait | undefined> {
  for (const [kind, ids] of Object.entries(things) as [DocumentKind, string[]][]) {
    await deliverThings(run.ctx, kind, ids)
    const answers = await answersOf(run.ctx, kind, ids, wanted)
    const waiting = answers.filter((one) => !one.isConfirmed)
    if (waiting.length === 0) continue
    const failures = waiting.map(({ error }) => error && toCloudError(error))
    const mayYet = failures.filter((failure) => failure?.retryable !== false).length
    const waitedMs = Date.now() - run.stepStartedAt.getTime()
    if (mayYet > 0 && waitedMs < patience.silentMs)
      return { waitMs: Math.min(1_000, 50 + waitedMs), for: mayYet === 1 ? 'one host' : `${mayYet} hosts` }
    const failure = failures.find((one) => one)
    if (failure && waiting.length === answers.length) throw failure
    const hosts = waiting.map((one) => one.hostId)
    run.ctx.log.warn({ kind, ids, hosts, err: failure }, 'hosts without a change that are not waited for')
  }
}
