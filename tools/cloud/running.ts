import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { type Places, writeAtomically } from './paths.ts'
import { startTime } from './supervisor.ts'

/** The contents of run/cloud.json about the running cloud; `databaseUrl` is there as soon as its database answers. */
export type Running = {
  pid: number
  startTime: string | null
  url: string
  data: string
  databaseUrl?: string
}

export const stateFile = (where: Places): string => path.join(where.run, 'cloud.json')

/** The cloud of this data folder when another process runs it; otherwise null. */
export function running(where: Places): Running | null {
  const file = stateFile(where)
  if (!fs.existsSync(file)) return null
  const state = JSON.parse(fs.readFileSync(file, 'utf8')) as Running
  return state.startTime !== null && startTime(state.pid) === state.startTime && state.pid !== process.pid
    ? state
    : null
}

export const embeddedDir = (where: Places): string => path.join(where.data, 'postgres')
/** The file that names the operator's own PostgreSQL of the last start, for commands while nothing runs. */
const ownDatabaseFile = (where: Places) => path.join(where.run, 'own-database')

/** Records the operator's own database; null: the embedded database is used. */
export function noteOwnDatabase(where: Places, databaseUrl: string | null): void {
  if (databaseUrl === null) fs.rmSync(ownDatabaseFile(where), { force: true })
  else writeAtomically(ownDatabaseFile(where), databaseUrl)
}

/** The address of this folder's database when it is the operator's own; null for the embedded one. */
export function ownDatabase(where: Places): string | null {
  const file = stateFile(where)
  const state = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Running) : null
  // A cloud that was killed early, or of an earlier version, has recorded the address only here.
  if (state?.databaseUrl) return isEmbedded(where, state.databaseUrl) ? null : state.databaseUrl
  const noted = ownDatabaseFile(where)
  return (fs.existsSync(noted) ? fs.readFileSync(noted, 'utf8') : process.env.DATABASE_URL) || null
}

function isEmbedded(where: Places, databaseUrl: string): boolean {
  const file = path.join(embeddedDir(where), 'port')
  const { hostname, port } = new URL(databaseUrl)
  return hostname === '127.0.0.1' && fs.existsSync(file) && fs.readFileSync(file, 'utf8').trim() === port
}

export const hostName = (): string =>
  process.env.STRATOLITH_HOST ??
  (os
    .hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40) ||
    'host-1')

/**
 * Keeps start, restore and move-database of this folder from running at the same time, until the returned function is
 * called; throws a sentence when another of them is at work. A killed process holds nothing.
 */
export function takeFolder(where: Places): () => void {
  try {
    return takeLock(path.join(where.run, 'folder.lock'))
  } catch (error) {
    if (!/^Another agent/.test((error as Error).message)) throw error
    refuseSecond(where)
    throw new Error(
      `Another command is at work in ${where.data}: a start, a restore or a move of the database. Wait until it is over.`,
      { cause: error },
    )
  }
}

export function refuseSecond(where: Places): void {
  const other = running(where)
  if (other)
    throw new Error(`This cloud runs already: ${other.url} (pid ${other.pid}). Stop it with: npm run stop`)
}

/** The file that records a restore under way. Until the restore is over, the folder cannot be started (tools/backup). */
export const restoreFile = (where: Places): string => path.join(where.data, 'restore.json')

export function refuseHalfRestored(where: Places): void {
  if (!fs.existsSync(restoreFile(where))) return
  const { folder } = JSON.parse(fs.readFileSync(restoreFile(where), 'utf8')) as { folder: string }
  throw new Error(
    `A restore into ${where.data} was cut short. End it first, it goes on where it was: npm run restore -- ${folder}`,
  )
}
