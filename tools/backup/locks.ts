import fs from 'node:fs'
import path from 'node:path'
import { takeLock } from '../../apps/agent/src/lock.ts'
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
 * Keeps the cloud of this folder from starting, and its agents, until the returned function is called;
 * throws a sentence when one runs.
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
