import fs from 'node:fs'
import path from 'node:path'
import { claimDatabase } from '../cloud/claim.ts'
import { askDatabase, isDatabaseUrl } from '../cloud/database.ts'
import { refuseForeign } from '../cloud/identity.ts'
import { makePlaces, type Places, places } from '../cloud/paths.ts'
import { hostName, refuseHalfRestored } from '../cloud/running.ts'
import { applicationUrl } from '../postgres/application.ts'
import { startPostgres } from '../postgres.ts'
import { compareRows, dumpDatabase, restoreDatabase } from './database.ts'
import { keepStopped, refuseRunning, refuseUsed } from './locks.ts'
import { Progress } from './progress.ts'
import { takeOver } from './restore-database.ts'

/**
 * Copies the database of a stopped cloud (the embedded one, or that of DATABASE_URL) into an empty database
 * and compares the number of rows of every table. The old database stays as it is.
 */
export async function moveDatabase(target: string): Promise<void> {
  if (!isDatabaseUrl(target))
    throw new Error('Give the address of an empty database: postgresql://USER:PASSWORD@HOST:PORT/NAME')
  const where = places()
  refuseRunning(where)
  refuseHalfRestored(where)
  const own = process.env.DATABASE_URL
  const embedded = path.join(where.data, 'postgres')
  if (!own && !fs.existsSync(path.join(embedded, 'data/PG_VERSION')))
    throw new Error(
      `There is no database in ${where.data}. Set DATABASE_URL to the one that is to be moved, or STRATOLITH_DATA to the folder of the cloud.`,
    )
  for (const url of [own, target]) if (url) await askDatabase(url)
  makePlaces(where)
  // The cloud is kept stopped before the first row is read, because later rows would be missing in the copy.
  const release = keepStopped(where)
  try {
    refuseHalfRestored(where)
    const server = own ? null : await startPostgres(embedded, { durable: true })
    try {
      const source = own ?? (server ? await applicationUrl(server, 'stratolith') : '')
      await move(where, source, target)
    } finally {
      await server?.stop()
    }
  } finally {
    release()
  }
  console.log(
    `\nMoved. From now on start the cloud with this in its environment:\n  DATABASE_URL=${target}\nThe old database stays as it is${own ? '' : ` in ${embedded}`} and is refused from now on as an older copy. Remove it when the cloud runs well on the new one.`,
  )
}

async function move(where: Places, source: string, target: string): Promise<void> {
  if (sameDatabase(source, target)) throw new Error('That is the database that it is in already.')
  // Only the database that this folder has followed has the newest rows.
  await refuseForeign(source, where)
  const leave = await claimDatabase(source, where, hostName())
  const folder = path.join(where.data, 'run/move-database')
  try {
    await refuseUsed(source)
    const out = new Progress('Written to files', 0)
    const { dump } = await dumpDatabase(source, folder)
    out.end(`${dump.tables.length} tables, ${dump.tables.reduce((sum, table) => sum + table.rows, 0)} rows`)
    const into = new Progress('Read into the new database', 0)
    await restoreDatabase(target, folder)
    const wrong = await compareRows(target, dump)
    if (wrong.length > 0) throw new Error(`The new database is not the same: ${wrong.join('; ')}.`)
    // From here on the old database is refused as an older copy.
    await takeOver(target, where)
    into.end('every table has as many rows as before')
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
    await leave()
  }
}

const sameDatabase = (a: string, b: string): boolean => {
  const [one, other] = [new URL(a), new URL(b)]
  return one.host === other.host && one.pathname === other.pathname
}
