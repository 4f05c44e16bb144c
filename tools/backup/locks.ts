import fs from 'node:fs'
import path from 'node:path'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { nameOf, withDatabase } from '../cloud/database.ts'
import type { Places } from '../cloud/paths.ts'
import { running, takeFolder } from '../cloud/running.ts'
import { leftServices } from '../cloud/supervisor.ts'

/** Throws a sentence when a process of this cloud runs here. */
export function refuseRunning(where: Places): void {
  const cloud = running(where)
  const left = Object.keys(leftServices(where))
  if (cloud || left.length > 0)
    throw new Error(
      `The cloud in ${where.data} runs (${cloud ? `pid ${cloud.pid}` : left.join(', ')}). Stop it first, its guests go on: npm run stop`,
    )
}

/**
 * Keeps the cloud of this folder and its agents from starting until the returned function is called;
 * throws a sentence when one of them runs.
 */
export function keepStopped(where: Places): () => void {
  const held = [takeFolder(where)]
  const release = () => {
    for (const unlock of held.splice(0)) unlock()
  }
  try {
    refuseRunning(where)
    for (const host of fs.globSync('hosts/*', { cwd: where.data }))
      held.push(takeLock(path.join(where.data, host, 'agent.lock')))
    return release
  } catch (error) {
    release()
    throw error
  }
}

/** Throws a sentence when a process of any cloud uses this database, also on another machine. */
export async function refuseUsed(databaseUrl: string): Promise<void> {
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ name: string; address: string | null }>(
      `SELECT split_part("application_name", ' ', 1) AS "name", "client_addr"::text AS "address" FROM pg_stat_activity
       WHERE "datname" = current_database() AND "application_name" ~ '^stratolith-(api|worker|seed)' LIMIT 1`,
    ),
  )
  const [one] = rows
  if (one)
    throw new Error(
      `A process of a cloud (${one.name}, from ${one.address ?? 'this machine'}) still writes into ${nameOf(databaseUrl)}. Stop it first: what it writes from now on would be lost.`,
    )
}
