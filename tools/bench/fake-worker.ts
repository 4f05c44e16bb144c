/**
 * The worker of a measurement: apps/api/src/worker.ts with simulated machines. It answers each
 * message with the number of statements that it has sent so far.
 */
import { startHostWatch } from '../../apps/api/src/compute/events.ts'
import { defaultSlots } from '../../apps/api/src/kernel/lanes.ts'
import { startWorker } from '../../apps/api/src/start-worker.ts'
import { fakeDeps } from './fake-deps.ts'
import { countStatements, listStatements } from './statements.ts'

const counter = countStatements()
const deps = fakeDeps(process.env.DATABASE_URL ?? '', defaultSlots.short + defaultSlots.long + 6)
const stopWorker = await startWorker(deps, { id: crypto.randomUUID(), onLost: () => process.exit(1) })
const stopHostWatch = startHostWatch(deps)
process.on('message', () => process.send?.(counter.read()))
process.on('disconnect', async () => {
  listStatements('worker', counter)
  stopHostWatch()
  await stopWorker()
  await deps.root.$disconnect()
  process.exit(0)
})
process.send?.(counter.read())
