import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptDatabase, identify } from '../cloud/identity.ts'
import { places, root } from '../cloud/paths.ts'
import { node } from '../cloud/prepare.ts'
import { ensureDatabase, type Postgres, startPostgres } from '../postgres.ts'
import { compareRows, connected, dumpDatabase, readDump } from './database.ts'
import { readFactsOf } from './facts.ts'
import { hashFile } from './files.ts'
import { formatVersion, writeManifest } from './format.ts'

const work = fs.mkdtempSync('/var/tmp/stratolith-own-')
fs.chmodSync(work, 0o755)
const data = path.join(work, 'data')
const backups = path.join(work, 'backups')
const where = places({ STRATOLITH_DATA: data })
let own: Postgres
let made = ''

/** One of the commands, as an operator types it. */
const type = (args: string[], databaseUrl?: string) => {
  const { DATABASE_URL: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/backup/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, STRATOLITH_DATA: data, ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) },
  })
  return { status, said: stdout + stderr }
}
const events = (url: string) =>
  connected(url, async (client) =>
    (await client.query('SELECT "kind" FROM "Event" ORDER BY "id"')).rows.map((r) => r.kind),
  )

beforeAll(async () => {
  fs.mkdirSync(data, { recursive: true })
  fs.chmodSync(data, 0o755)
  own = await startPostgres(path.join(work, 'postgres'), { durable: false })
  const embedded = await startPostgres(path.join(data, 'postgres'), { durable: false })
  try {
    const url = await ensureDatabase(embedded.url, 'stratolith')
    await node('tools/migrate.ts', ['deploy'], { DATABASE_URL: url })
    await runMigrations({ connectionString: url })
    await acceptDatabase(url, where)
    await connected(url, (client) =>
      client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('first', 'a', 'b')`),
    )
    // A backup as small as one can be: the database alone.
    made = '2026-01-02T03-04-05Z'
    const dir = path.join(backups, made)
    const folder = path.join(dir, 'database')
    const { read } = await dumpDatabase(url, folder, { read: (client) => readFactsOf(client, 'ctest') })
    if (!read) throw new Error('there are no facts')
    const files = await Promise.all(
      fs.readdirSync(folder).map(async (name) => ({
        path: `database/${name}`,
        ...(await hashFile(path.join(folder, name))),
      })),
    )
    const finishedAt = new Date().toISOString()
    const rest = { files, blobs: [], disks: [], notes: [] }
    writeManifest(dir, { format: formatVersion, software: 'test', finishedAt, facts: read, ...rest })
  } finally {
    await embedded.stop()
  }
})
afterAll(async () => {
  await own?.stop()
  fs.rmSync(work, { recursive: true, force: true })
})

test('the embedded database moves to one’s own, once; it stays where it was and is not followed any more', async () => {
  const target = await ensureDatabase(own.url, 'moved')
  const moved = type(['move-database', target])
  expect(moved.said).toContain(`DATABASE_URL=${target}`)
  expect(moved.status).toBe(0)
  expect(await events(target)).toEqual(['first'])
  expect(await compareRows(target, readDump(path.join(backups, made, 'database')))).toEqual([])
  const old = await startPostgres(path.join(data, 'postgres'), { durable: false })
  const before = await ensureDatabase(old.url, 'stratolith')
  expect(await events(before)).toEqual(['first'])
  await expect(identify(before, where, false)).rejects.toThrow(/older copy/)
  await old.stop()
  expect(fs.existsSync(path.join(data, 'run/move-database'))).toBe(false)

  const again = type(['move-database', target])
  expect(again.said).toMatch(/is not empty/)
  expect(again.status).toBe(1)
  const itself = type(['move-database', target], target)
  expect(itself.said).toMatch(/is in already/)
})

test('a restore into one’s own database: an empty one; a filled one only when told so, and kept', async () => {
  const target = await ensureDatabase(own.url, 'restored')
  expect(type(['restore', backups, '--yes'], target)).toMatchObject({ status: 0 })
  expect(await events(target)).toEqual(['first'])
  await connected(target, (client) =>
    client.query(`INSERT INTO "Event" ("kind", "resourceKind", "resourceId") VALUES ('later', 'a', 'b')`),
  )
  const refused = type(['restore', backups, '--yes'], target)
  expect(refused.said).toMatch(/--replace/)
  expect(refused.status).toBe(1)
  expect(await events(target)).toEqual(['first', 'later'])

  const replaced = type(['restore', backups, '--yes', '--replace'], target)
  expect(replaced.said).toContain('Restored.')
  expect(await events(target)).toEqual(['first'])
  const [aside = ''] = fs.globSync('database.before-restore-*', { cwd: data })
  const kept = readDump(path.join(data, aside)).tables.find((table) => table.name === 'Event')
  expect(kept?.rows).toBe(2)
})

test('a restore is asked for, and the manifest is believed only with its checksum', () => {
  const asked = type(['restore', backups])
  expect(asked.said).toContain('Type “restore” to go on')
  expect(asked.said).toContain('Nothing was changed.')
  expect(fs.readdirSync(data).filter((name) => name.startsWith('postgres'))).toEqual(['postgres'])
  const file = path.join(backups, made, 'manifest.json')
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"test"', '"tesu"'))
  const damaged = type(['restore', backups, '--yes'])
  expect(damaged.said).toMatch(/manifest\.json is damaged/)
  expect(damaged.status).toBe(1)
})
