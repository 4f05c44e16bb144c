import { startHostWatch } from './compute/events.ts'
import { startLdap } from './directory/backends/ldap/backend.ts'
import { serveHealth } from './health.ts'
import { beginEventEpoch } from './kernel/event-log.ts'
import { defaultSlots } from './kernel/lanes.ts'
import { sessionName } from './kernel/lease.ts'
import { watchPolicy } from './kernel/policy.ts'
import { buildDeps, onStop } from './process.ts'
import { demandSchema } from './schema.ts'
import { startWorker } from './start-worker.ts'
import './register.ts'

const id = crypto.randomUUID()
const deps = buildDeps('worker', defaultSlots.short + defaultSlots.long + 6, sessionName(id))
await demandSchema(deps)
watchPolicy(deps.config.dataDir, deps.log)
await startLdap(deps)
await beginEventEpoch(deps.root)
// When the lease is lost, the process ends: others have taken its operations over, and a new process gets a new lease.
const stopWorker = await startWorker(deps, { id, onLost: () => process.exit(1) })
const stopHostWatch = startHostWatch(deps)
await serveHealth(process.env.STRATOLITH_HEALTH_SOCKET)
deps.log.info('worker ready')

onStop(deps.log, async () => {
  stopHostWatch()
  await stopWorker()
  await deps.root.$disconnect()
})
