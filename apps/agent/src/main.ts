import path from 'node:path'
import type { HostFacts } from '@stratolith/drivers/hypervisor/interface'
import { backgroundOp } from '@stratolith/drivers/op'
import { spoken } from '@stratolith/drivers/remote/versions'
import { pino } from 'pino'
import { adopt } from './adopt.ts'
import { Allegiance } from './allegiance.ts'
import { readConfig } from './config.ts'
import { openDrivers } from './drivers.ts'
import { takeLock } from './lock.ts'
import { passwordFiles } from './metadata/password.ts'
import { MetadataService } from './metadata/service.ts'
import { agentServer, consoleServer, listenOn, type Service } from './serve.ts'

/**
 * The agent of one host, which runs as root: finds the running guests, serves metadata inside the networks, then
 * answers the control plane. No end of the agent touches a guest.
 */
const config = readConfig()
const log = pino({ name: 'agent', level: config.logLevel, base: { host: config.host } })
process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))

const startedAt = new Date().toISOString()
const unlock = takeLock(path.join(config.hostDir, 'agent.lock'))
const allegiance = new Allegiance(config.hostDir)
const drivers = await openDrivers(config, log)
const adopted = await adopt(drivers, log)
const metadata = new MetadataService({
  hypervisor: drivers.hypervisor,
  network: drivers.network,
  passwords: passwordFiles(path.join(config.hostDir, 'instances')),
  log,
})
// There may be many namespaces, and each takes a moment, so the control plane does not wait for them.
const serving = metadata.start()

// The first probe boots a small guest. It runs now, so that the registration of this host need not wait.
let facts: HostFacts | null = null
drivers.hypervisor
  .probe(backgroundOp(log, 'start', 120_000))
  .then((found) => {
    facts = found
    log.info(found, 'this machine')
  })
  .catch((error: unknown) => log.error({ err: error }, 'this machine cannot run guests'))

const service: Service = {
  drivers,
  log,
  mayChange: (cloud) => allegiance.check(cloud),
  health: () => ({
    ok: true,
    protocol: spoken,
    node: process.version,
    pid: process.pid,
    host: config.host,
    cloud: config.cloud,
    startedAt,
    adopted,
    facts,
    metadataNetworks: metadata.networks.length,
  }),
}
const doors = [agentServer(service), consoleServer(service)] as const
await listenOn(doors[1], config.consoles)
await listenOn(doors[0], config.drivers)
log.info({ socket: config.drivers.socketPath, cloud: config.cloud }, 'agent ready')

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    if (stopping) process.exit(1)
    stopping = true
    stop()
      .catch((error: unknown) => log.error({ err: error }, 'stopping failed'))
      .finally(() => process.exit(0))
  })

async function stop(): Promise<void> {
  for (const door of doors) {
    door.close()
    door.closeAllConnections()
  }
  await serving
  await metadata.stop()
  unlock()
  log.info('agent stopped; guests go on')
}
