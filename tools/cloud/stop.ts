import fs from 'node:fs'
import path from 'node:path'
import { startPostgres } from '../postgres.ts'
import { type Places, places } from './paths.ts'
import { running } from './running.ts'
import { stopLeftServices } from './supervisor.ts'

/** npm run stop: stops a cloud that another process runs. Guests go on. */
export async function stop(): Promise<void> {
  const ran = await stopProcesses()
  console.log(ran ? 'Stopped. Guests go on; `npm start` finds them again.' : 'It was not running.')
}

/** Stops all processes of the cloud; returns whether there were any. */
export async function stopProcesses(): Promise<boolean> {
  const where = places()
  const cloud = running(where)
  if (cloud) {
    process.kill(cloud.pid, 'SIGTERM')
    while (running(where)) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const left = await stopLeftServices(where)
  await stopDatabase(where)
  return cloud !== null || left > 0
}

/** Stops an embedded PostgreSQL that has outlived a killed supervisor. */
async function stopDatabase(where: Places): Promise<void> {
  if (process.env.DATABASE_URL || !fs.existsSync(path.join(where.data, 'postgres/data/postmaster.pid')))
    return
  const server = await startPostgres(path.join(where.data, 'postgres'), { durable: true })
  await server.stop()
}
