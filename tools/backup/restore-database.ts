import fs from 'node:fs'
import path from 'node:path'
import { claimDatabase } from '../cloud/claim.ts'
import { acceptDatabase } from '../cloud/identity.ts'
import type { Places } from '../cloud/paths.ts'
import { node } from '../cloud/prepare.ts'
import { hostName } from '../cloud/running.ts'
import { applicationUrl } from '../postgres/application.ts'
import { removeServer, startPostgres } from '../postgres.ts'
import { within } from './beneath.ts'
import { connected, dumpDatabase, markForRestore, readDump, restoreDatabase } from './database.ts'
import type { Plan } from './plan.ts'
import { Progress } from './progress.ts'

/** Puts the backup's database in the place of the present one, which is kept under another name. */
export async function restoreTheDatabase(where: Places, plan: Plan, time: string): Promise<void> {
  const progress = new Progress('Database', 0)
  const tables = plan.databaseUrl
    ? await intoOwn(where, plan, plan.databaseUrl, time)
    : await intoEmbedded(where, plan, time)
  progress.end(`${tables} tables`)
}

async function fill(where: Places, plan: Plan, url: string): Promise<number> {
  const { folder, name } = plan.backup
  const dump = await within(folder, `${name}/database/database.json`, (file) =>
    restoreDatabase(url, path.dirname(file)),
  )
  await connected(url, async (client) => {
    for (const [old, now] of plan.hosts)
      if (old !== now) await client.query('UPDATE "Host" SET "name" = $2 WHERE "name" = $1', [old, now])
    // The endpoints are changed, so that this cloud does not call agents of the place where the backup was made.
    await client.query(
      `UPDATE "Host" SET "endpoint" = 'unix:' || $1::text || '/hosts/' || "name" || '/agent.sock' WHERE "endpoint" LIKE 'unix:%'`,
      [where.data],
    )
  })
  await takeOver(url, where)
  return dump.tables.length
}

/** Applies migrations to a restored database and makes it the one that the hosts here follow. */
export async function takeOver(url: string, where: Places): Promise<void> {
  await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: url })
  await acceptDatabase(url, where)
}

/** Restores into a new embedded server beside the old one; the two change names when the new one is complete. */
async function intoEmbedded(where: Places, plan: Plan, time: string): Promise<number> {
  const [current, fresh] = [path.join(where.data, 'postgres'), path.join(where.data, 'postgres.restoring')]
  const aside = path.join(where.data, `postgres.before-restore-${time}`)
  // An earlier attempt was cut short after the change of names and before it was noted.
  if (fs.existsSync(aside) && fs.existsSync(current) && !fs.existsSync(fresh))
    return readDump(path.join(plan.backup.dir, 'database')).tables.length
  // A restore that was killed may have left a server there, also an unfinished one.
  removeServer(fresh)
  const server = await startPostgres(fresh, { durable: true })
  let tables = 0
  try {
    tables = await fill(where, plan, await applicationUrl(server, 'stratolith'))
  } finally {
    await server.stop()
  }
  await stopServer(current)
  if (fs.existsSync(current)) fs.renameSync(current, aside)
  fs.renameSync(fresh, current)
  return tables
}

/** Stops a server that has outlived the process that started it. */
async function stopServer(dir: string): Promise<void> {
  if (!fs.existsSync(path.join(dir, 'data/postmaster.pid'))) return
  await (await startPostgres(dir, { durable: true })).stop()
}

async function intoOwn(where: Places, plan: Plan, url: string, time: string): Promise<number> {
  const aside = path.join(where.data, `database.before-restore-${time}`)
  const leave = await claimDatabase(url, where, hostName())
  try {
    return await replace(where, plan, url, aside)
  } finally {
    await leave()
  }
}

async function replace(where: Places, plan: Plan, url: string, aside: string): Promise<number> {
  if (plan.databaseFilled) {
    if (!fs.existsSync(path.join(aside, 'database.json'))) await dumpDatabase(url, aside)
    // Also when a database was set aside: then the present contents are from the attempt that was cut short.
    await markForRestore(url)
  }
  return fill(where, plan, url)
}
