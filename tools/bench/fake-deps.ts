import { openDatabase } from '@stratolith/db'
import { createDocuments } from '@stratolith/drivers/documents'
import { createFakeParts } from '@stratolith/drivers/fake-parts'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import { pino } from 'pino'
import { readConfig } from '../../apps/api/src/kernel/config.ts'
import type { Deps } from '../../apps/api/src/kernel/context.ts'
import { HostConnections } from '../../apps/api/src/kernel/hosts.ts'
import '../../apps/api/src/register.ts'

/** Makes the Deps of api and worker (apps/api/src/process.ts), with simulated machines instead of agents. */
export function fakeDeps(databaseUrl: string, connections: number): Deps {
  const config = readConfig({
    STRATOLITH_LOG_LEVEL: 'error',
    DATABASE_URL: databaseUrl,
  })
  const connect = (endpoint: string): HostDrivers => {
    const host = createFakeParts({
      hypervisor: { vcpus: 64, memoryMib: 262_144, diskGib: 4_000 },
      network: { host: endpoint },
      storage: { totalGib: 4_000 },
    })
    return { ...host, documents: createDocuments(host), report: (op) => reportOf(host, op) }
  }
  return {
    config,
    log: pino({ level: config.logLevel }, pino.destination(2)),
    root: openDatabase(databaseUrl, connections),
    hosts: new HostConnections(connect),
    hostsMaxAgeMs: 1_000,
  }
}

/** The secret of the processes of one measurement, on loopback. */
export const benchSecret = crypto.randomUUID() + crypto.randomUUID()
