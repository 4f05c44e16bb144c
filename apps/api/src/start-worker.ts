import { type JobOptions, startJobs } from './jobs.ts'
import type { Deps } from './kernel/context.ts'
import { guarded, type LeaseOptions, WorkerLease } from './kernel/lease.ts'
import { startReconcilers } from './kernel/reconciler.ts'

export type WorkerOptions = LeaseOptions & JobOptions & { reconcilers?: readonly string[] }

/** Starts a worker's parts in order: the lease begins before any work and ends after all work. Returns the function that stops them. */
export async function startWorker(deps: Deps, options: WorkerOptions): Promise<() => Promise<void>> {
  const lease = new WorkerLease(deps, options)
  await lease.start()
  const mine = guarded(deps, lease)
  const stopJobs = await startJobs(mine, lease, options)
  const stopReconcilers = startReconcilers(mine, options.reconcilers)
  return async () => {
    await Promise.all([stopReconcilers(), stopJobs()])
    await lease.stop()
  }
}
