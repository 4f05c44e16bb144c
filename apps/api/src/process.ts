import { openDatabase } from '@stratolith/db'
import { connectAgent } from '@stratolith/drivers/remote'
import { pino } from 'pino'
import { cloudMarkOf } from './kernel/cloud.ts'
import { readConfig } from './kernel/config.ts'
import type { Deps } from './kernel/context.ts'
import { HostConnections } from './kernel/hosts.ts'
import { named } from './kernel/lease.ts'

/**
 * Builds the Deps of main.ts and worker.ts: configuration, log, database, connections to hosts.
 * `session` is the name of all database connections of this process.
 */
export function buildDeps(name: string, connections: number, session = `stratolith-${name}`): Deps {
  const config = readConfig()
  config.databaseUrl = named(config.databaseUrl, session)
  const log = pino({
    name,
    level: config.logLevel,
    // `err.client`: pg attaches its whole client, 7 KB, to the error of an idle connection.
    redact: ['err.client', 'token', 'password', '*.token', '*.password', 'req.headers'],
  })
  const root = openDatabase(config.databaseUrl, connections)
  const cloud = cloudMarkOf(root)
  return {
    config,
    log,
    root,
    hosts: new HostConnections((endpoint) => connectAgent(endpoint, { cloud })),
    hostsMaxAgeMs: 1_000,
  }
}

/** Runs `stop` once on SIGTERM or SIGINT, then exits; a second signal exits at once. */
export function onStop(log: Deps['log'], stop: () => Promise<void>): void {
  let stopping = false
  const handle = () => {
    if (stopping) process.exit(1)
    stopping = true
    stop()
      .catch((error) => log.error({ err: error }, 'stopping failed'))
      .finally(() => process.exit(0))
  }
  process.on('SIGTERM', handle)
  process.on('SIGINT', handle)
  // A failing stream handler must not end the whole process, although it is our bug.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))
}
