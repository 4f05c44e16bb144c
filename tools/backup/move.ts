import fs from 'node:fs'
import path from 'node:path'
import { places } from '../cloud/paths.ts'
import { refuseHalfRestored, running } from '../cloud/running.ts'
import { leftServices } from '../cloud/supervisor.ts'
import { applicationUrl } from '../postgres/application.ts'
import { startPostgres } from '../postgres.ts'
import { compareRows, dumpDatabase, restoreDatabase } from './database.ts'
import { Progress } from './progress.ts'
import { takeOver } from './restore-database.ts'

/**
 * Copies the database of a stopped cloud (the embedded one, or that of DATABASE_URL) into an empty one
 * and proves the number of rows of every table. The old one stays as it is.
 */
export async function moveDatabase(target: string): Promise<void> {
  if (!/^postgres(ql)?:\/\//.test(target) || !URL.canParse(target))
    throw new Error('Give the address of an empty database: postgresql://USER:PASSWORD@HOST:PORT/NAME')
  const where = places()
  if (running(where) || Object.keys(leftServices(where)).length > 0)
    throw new Error('The cloud runs and writes. Stop it first, its guests go on: npm run stop')
  refuseHalfRestored(where)
  const embedded = path.join(where.data, 'postgres')
  if (!process.env.DATABASE_URL && !fs.existsSync(path.join(embedded, 'data/PG_VERSION')))
    throw new Error(`There is no database in ${where.data}.`)
  const server = process.env.DATABASE_URL ? null : await startPostgres(embedded, { durable: true })
  const folder = path.join(where.data, 'run/move-database')
  try {
    const source = server ? await applicationUrl(server, 'stratolith') : (process.env.DATABASE_URL ?? '')
    if (sameDatabase(source, target)) throw new Error('That is the database that it is in already.')
    const out = new Progress('Written to files', 0)
    const { dump } = await dumpDatabase(source, folder)
    out.end(`${dump.tables.length} tables, ${dump.tables.reduce((sum, table) => sum + table.rows, 0)} rows`)
    const into = new Progress('Read into the new database', 0)
    await restoreDatabase(target, folder)
    const wrong = await compareRows(target, dump)
    if (wrong.length > 0) throw new Error(`The new database is not the same: ${wrong.join('; ')}.`)
    // From here on the old one is refused as an older copy.
    await takeOver(target, where)
    into.end('every table has as many rows as before')
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
    await server?.stop()
  }
  console.log(
    `\nMoved. From now on start the cloud with this in its environment:\n  DATABASE_URL=${target}\nThe old database stays as it is${server ? ` in ${embedded}` : ''}; and is refused as an older copy; remove it when the cloud runs well on the new one.`,
  )
}

const sameDatabase = (a: string, b: string): boolean => {
  const [one, other] = [new URL(a), new URL(b)]
  return one.host === other.host && one.pathname === other.pathname
}
