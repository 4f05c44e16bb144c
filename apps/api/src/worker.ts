import fs from 'node:fs'
import path from 'node:path'
import { startHostWatch } from './compute/events.ts'
import { startLdap } from './identity/backends/ldap/backend.ts'
import { startJobs } from './jobs.ts'
import { beginEventEpoch } from './kernel/event-log.ts'
import { watchPolicy } from './kernel/policy.ts'
import { startReconcilers } from './kernel/reconciler.ts'
import { buildDeps, onStop } from './process.ts'
import './register.ts'

const concurrency = 12
const deps = buildDeps('worker', concurrency + 6)
watchPolicy(deps.config.dataDir, deps.log)
await startLdap(deps)
await beginEventEpoch(deps.root)
const stopJobs = await startJobs(deps, concurrency)
const stopReconcilers = startReconcilers(deps)
const stopHostWatch = startHostWatch(deps)
// tools/cloud/services.ts waits for this: the worker serves no port.
fs.mkdirSync(path.join(deps.config.dataDir, 'run'), { recursive: true })
fs.writeFileSync(path.join(deps.config.dataDir, 'run/worker.ready'), String(process.pid))
deps.log.info('worker ready')

onStop(deps.log, async () => {
  stopHostWatch()
  await stopReconcilers()
  await stopJobs()
  await deps.root.$disconnect()
})
