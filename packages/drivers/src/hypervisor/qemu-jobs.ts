import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { checkAlive } from './changes.ts'
import type { QmpClient } from './qmp.ts'

/** Jobs of QEMU's block layer that were started with `auto-dismiss: false`. */

const pollMs = 100
const tellMs = 1_000

type Job = {
  id: string
  status: string
  error?: string
  'current-progress': number
  'total-progress': number
}
export const jobOf = async (qmp: QmpClient, id: string) =>
  ((await qmp.execute('query-jobs')) as Job[]).find((one) => one.id === id)

/** Waits until the job has succeeded, and tells its progress. Raises `failed` with QEMU's reason when it has not. */
export async function jobDone(op: Op, qmp: QmpClient, id: string): Promise<void> {
  const job = await jobAt(op, qmp, id, 'concluded', ({ percent }) => `${percent} %`)
  await dismiss(qmp, id)
  if (job.error) throw endedBadly(job)
}

/** Why a job that has ended was of no use. */
export const endedBadly = ({ error }: Pick<Job, 'error'>): DriverError =>
  new DriverError(
    // Whoever tries again would fill the pool once more, and stop all guests there.
    /No space left|Disk quota exceeded/.test(error ?? '') ? 'no_space' : 'failed',
    error
      ? `QEMU could not finish its work on the disk: ${error}`
      : 'QEMU has ended its work on the disk too early.',
  )

/** Whoever waits for the job and whoever ends it may both find that it has ended: one of them is too late. */
export const dismiss = (qmp: QmpClient, id: string): Promise<unknown> =>
  qmp.execute('job-dismiss', { id }).catch(() => undefined)

type Told = { percent: number }

/**
 * Waits until the job has that status, or has ended, and tells its progress in the words of `say`. A job that has ended stays
 * known to QEMU until it is dismissed. Raises `failed` when QEMU does not know the job.
 */
export async function jobAt(
  op: Op,
  qmp: QmpClient,
  id: string,
  status: 'ready' | 'pending' | 'concluded',
  say: (told: Told) => string,
): Promise<Job> {
  for (let told = 0; ; await sleep(pollMs)) {
    checkAlive(op)
    const job = await jobOf(qmp, id)
    if (!job) throw new DriverError('failed', 'The work on the disk was ended by somebody else.')
    if (job.status === status || job.status === 'concluded') return job
    if (Date.now() - told < tellMs) continue
    told = Date.now()
    const percent = Math.floor((100 * job['current-progress']) / Math.max(1, job['total-progress']))
    op.progress(say({ percent }))
  }
}

/** How long QEMU may take to end a job: callers hold locks meanwhile. */
const endMs = 10_000

/** Ends the job, if there is one, also one of an earlier call or agent. Raises `unavailable` when it does not end. */
export async function endJob(qmp: QmpClient, id: string): Promise<void> {
  const end = Date.now() + endMs
  for (let asked = false; Date.now() < end; await sleep(pollMs)) {
    const job = await jobOf(qmp, id)
    if (!job) return
    if (job.status === 'concluded') await dismiss(qmp, id)
    // QEMU refuses when the job has ended meanwhile, which the next look finds.
    else if (!asked) await qmp.execute('job-cancel', { id }).catch(() => undefined)
    asked = true
  }
  throw new DriverError('unavailable', 'QEMU does not end its work on a disk.')
}
