import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testWorld, type World } from './compute/testing.ts'
import { missingMigrations } from './schema.ts'

let world: World
const folder = fs.mkdtempSync('/var/tmp/stratolith-migrations-')
beforeAll(async () => {
  world = await testWorld([])
})
afterAll(async () => {
  fs.rmSync(folder, { recursive: true })
  await world.close()
})

test('code that is newer than the database is known by a migration that the database does not have', async () => {
  const { root } = world.deps
  for (const name of ['1_old', '2_new']) fs.mkdirSync(path.join(folder, name))
  fs.writeFileSync(path.join(folder, 'migration_lock.toml'), '')
  // The databases of tests are made without migrations.
  expect(await missingMigrations(root, folder)).toEqual([])
  await root.$executeRaw`
    CREATE TABLE "_prisma_migrations" AS SELECT '1_old' AS "migration_name", now() AS "finished_at"`
  expect(await missingMigrations(root, folder)).toEqual(['2_new'])
  await root.$executeRaw`INSERT INTO "_prisma_migrations" VALUES ('2_new', now())`
  expect(await missingMigrations(root, folder)).toEqual([])
})
