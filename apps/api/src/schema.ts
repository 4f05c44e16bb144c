import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { Deps } from './kernel/context.ts'

const migrations = path.resolve(import.meta.dirname, '../../../prisma/migrations')

/**
 * Ends this process when its code is newer than the database: new code was put into the folder of a running cloud, and then
 * the process was started again. Every change would fail, while `npm start` brings both to the same version.
 */
export async function demandSchema(
  { root, log }: Pick<Deps, 'root' | 'log'>,
  folder = migrations,
): Promise<void> {
  const missing = await missingMigrations(root, folder)
  if (missing.length === 0) return
  log.fatal(
    { missing },
    'The code in this folder is newer than the database. Stop the cloud (npm run stop) and start it again (npm start).',
  )
  process.exit(1)
}

/** The migrations in the folder that the database does not have; none for a database that was made without migrations, as tests do. */
export async function missingMigrations(root: Deps['root'], folder: string): Promise<string[]> {
  const [kept] = await root.$queryRaw<{ there: boolean }[]>`
    SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS "there"`
  if (!kept?.there) return []
  const rows = await root.$queryRaw<{ name: string }[]>`
    SELECT "migration_name" AS "name" FROM "_prisma_migrations" WHERE "finished_at" IS NOT NULL`
  const applied = new Set(rows.map(({ name }) => name))
  const found = await readdir(folder, { withFileTypes: true })
  return found.filter((entry) => entry.isDirectory() && !applied.has(entry.name)).map(({ name }) => name)
}
