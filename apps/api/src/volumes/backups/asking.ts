import type { Op } from '@stratolith/drivers/op'
import { CloudError } from '../../kernel/errors.ts'
import { driverCode } from '../../kernel/hosts.ts'
import { type Run, soonAgain, type Wait } from '../../kernel/workflow.ts'

/** How workflows ask a host again and again until bytes are copied that may take a day. */

/**
 * Asks a host once, and returns what it answers; a Wait when the host is still busy. The words of the wait are the last
 * that the host has told of its progress.
 */
export async function asked<T>(
  run: Run<unknown>,
  waitingFor: string,
  ask: (op: Op) => Promise<T | null>,
): Promise<{ answer: T } | { wait: Wait }> {
  let told: string | null = null
  const op: Op = {
    ...run.op,
    // A getter, as in run.op itself: each call checks the lease.
    get signal() {
      return run.op.signal
    },
    progress(text) {
      told = text
      run.op.progress(text)
    },
  }
  const answer = await givingUp(run, () => ask(op))
  return answer === null ? { wait: soonAgain(run, told ?? waitingFor) } : { answer }
}

/** How often the same step may fail because the host has answered with an error. */
const mostFailures = 5

/**
 * A host that does not answer is asked until the deadline, which is a day; a host that answers with a failure again and
 * again, such as for a damaged backup, is not.
 */
async function givingUp<T>(run: Run<unknown>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (driverCode(error) !== 'failed') throw error
    const failures = Number(run.data.failures ?? 0) + 1
    await run.keep({ failures })
    if (failures < mostFailures) throw error
    throw new CloudError(
      'conflict',
      `The machine has failed ${mostFailures} times to do this: the store or what lies in it may be damaged. Ask an administrator.`,
      { cause: error },
    )
  }
}
