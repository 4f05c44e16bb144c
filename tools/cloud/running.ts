import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { type Places, writeAtomically } from './paths.ts'
import { startTime } from './supervisor.ts'

/** What run/cloud.json says of the cloud that runs; `databaseUrl` as soon as its database answers. */
export type Running = {
  pid: number
  startTime: string | null
  url: string
  data: string
  databaseUrl?: string
}

export const stateFile = (where: Places): string => path.join(where.run, 'cloud.json')

/** The cloud of this data folder, when another process than ours runs it. */
export function running(where: Places): Running | null {
  const file = stateFile(where)
  if (!fs.existsSync(file)) return null
  const state = JSON.parse(fs.readFileSync(file, 'utf8')) as Running
  return state.startTime !== null && startTime(state.pid) === state.startTime && state.pid !== process.pid
    ? state
    : null
}

export const embeddedDir = (where: Places): string => path.join(where.data, 'postgres')
/** Kept for those who come when nothing runs: which PostgreSQL of the operator's own the last start used. */
const ownDatabaseFile = (where: Places) => path.join(where.run, 'own-database')

/** Called with null when the embedded one is used. */
export function noteOwnDatabase(where: Places, databaseUrl: string | null): void {
  if (databaseUrl === null) fs.rmSync(ownDatabaseFile(where), { force: true })
  else writeAtomically(ownDatabaseFile(where), databaseUrl)
}

/** The address of the database of this folder when it is not the embedded one. */
export function ownDatabase(where: Places): string | null {
  const file = stateFile(where)
  const state = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Running) : null
  // A cloud that was killed before it wrote more, or of an earlier version, has said it here alone.
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
 * Keeps start, restore and move-database of this folder apart until the returned function is called;
 * throws a sentence when another of them is at work. A process that is killed holds nothing.
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

/** Says which restore is under way; the folder is no cloud until it is over (tools/backup). */
export const restoreFile = (where: Places): string => path.join(where.data, 'restore.json')

export function refuseHalfRestored(where: Places): void {
  if (!fs.existsSync(restoreFile(where))) return
  const { folder } = JSON.parse(fs.readFileSync(restoreFile(where), 'utf8')) as { folder: string }
  throw new Error(
    `A restore into ${where.data} was cut short. End it first, it goes on where it was: npm run restore -- ${folder}`,
  )
}
