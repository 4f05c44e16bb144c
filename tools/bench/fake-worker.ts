/**
 * The worker of a measurement: apps/api/src/worker.ts with simulated machines. Answers each
 * message with the number of statements that it has sent so far.
 */
import { startHostWatch } from '../../apps/api/src/compute/events.ts'
import { startJobs } from '../../apps/api/src/jobs.ts'
import { startReconcilers } from '../../apps/api/src/kernel/reconciler.ts'
import { fakeDeps } from './fake-deps.ts'
import { countStatements } from './statements.ts'

const concurrency = 12
const counter = countStatements()
const deps = fakeDeps(process.env.DATABASE_URL ?? '', concurrency + 6)
const stopJobs = await startJobs(deps, concurrency)
const stopReconcilers = startReconcilers(deps)
const stopHostWatch = startHostWatch(deps)
process.on('message', () => process.send?.(counter.read()))
process.on('disconnect', async () => {
  stopHostWatch()
  await stopReconcilers()
  await stopJobs()
  await deps.root.$disconnect()
  process.exit(0)
})
process.send?.(counter.read())
