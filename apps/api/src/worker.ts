import { startHostWatch } from './compute/events.ts'
import { serveHealth } from './health.ts'
import { startLdap } from './identity/backends/ldap/backend.ts'
import { startJobs } from './jobs.ts'
import { watchPolicy } from './kernel/policy.ts'
import { startReconcilers } from './kernel/reconciler.ts'
import { buildDeps, onStop } from './process.ts'
import './register.ts'

const concurrency = 12
const deps = buildDeps('worker', concurrency + 6)
watchPolicy(deps.config.dataDir, deps.log)
await startLdap(deps)
const stopJobs = await startJobs(deps, concurrency)
const stopReconcilers = startReconcilers(deps)
const stopHostWatch = startHostWatch(deps)
await serveHealth(process.env.STRATOLITH_HEALTH_SOCKET)
deps.log.info('worker ready')

onStop(deps.log, async () => {
  stopHostWatch()
  await stopReconcilers()
  await stopJobs()
  await deps.root.$disconnect()
})
