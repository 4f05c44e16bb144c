import { openDatabase } from '@stratolith/db'
import { createDocuments } from '@stratolith/drivers/documents'
import { type HostDrivers, reportOf } from '@stratolith/drivers/host'
import { createFakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import { createFakeNetwork } from '@stratolith/drivers/network/fake'
import { createFakeStorage } from '@stratolith/drivers/storage/fake'
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
    const host = {
      hypervisor: createFakeHypervisor({ vcpus: 64, memoryMib: 262_144, diskGib: 4_000 }),
      network: createFakeNetwork({ host: endpoint }),
      storage: createFakeStorage({ totalGib: 4_000 }),
    }
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
