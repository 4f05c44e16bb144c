import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { ensureDatabase } from '../postgres.ts'
import { places, root } from './paths.ts'
import { migrate } from './prepare.ts'
import { stateFile } from './running.ts'
import { startTime } from './supervisor.ts'

let data = ''
beforeEach(() => {
  data = fs.mkdtempSync('/var/tmp/stratolith-commands-')
  fs.chmodSync(data, 0o755)
  fs.mkdirSync(path.join(data, 'run'))
})
afterEach(() => fs.rmSync(data, { recursive: true, force: true }))
const where = () => places({ STRATOLITH_DATA: data })

/** Runs a command as an operator types it, without a terminal. */
const type = (args: string[], more: NodeJS.ProcessEnv = {}) => {
  const { DATABASE_URL: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    input: '',
    env: { ...env, STRATOLITH_DATA: data, ...more },
  })
  return { status, said: stdout + stderr }
}
const cloud = (command: string, ...flags: string[]) => type(['tools/cloud.ts', command, ...flags])

async function sql(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
const freshDatabase = () => ensureDatabase(inject('postgresUrl'), `c_${crypto.randomUUID().slice(0, 8)}`)

test('a start with a wrong setting, flag or database changes nothing and prints one sentence', () => {
  const before = fs.readdirSync(data)
  const start = ['tools/cloud.ts', 'start']
  expect(type(start, { STRATOLITH_EGRESS: 'maybe' }).said.trim()).toBe(
    'STRATOLITH_EGRESS is “maybe”. It may be auto, on or off.',
  )
  expect(cloud('start', '--acept-database').said).toMatch(/did you mean --accept-database\?/)
  const gone = type(start, { DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/x', STRATOLITH_URL: 'x' })
  expect(
    gone.said
      .trim()
      .split('\n')
      .filter((line) => line !== ''),
  ).toEqual([
    '! STRATOLITH_URL is no setting and does nothing; did you mean STRATOLITH_PUBLIC_URL?',
    expect.stringMatching(
      /^The database postgresql:\/\/me@127\.0\.0\.1:1\/x cannot be used: nothing listens/,
    ),
  ])
  expect(gone.status).toBe(1)
  expect(fs.readdirSync(data)).toEqual(before)
})

test('a database of another cloud is refused before it is migrated', async () => {
  const url = await freshDatabase()
  await sql(
    url,
    `CREATE TABLE "Cloud" ("one" bool, "id" uuid, "epoch" int, "epochToken" uuid);
     INSERT INTO "Cloud" VALUES (true, gen_random_uuid(), 3, gen_random_uuid())`,
  )
  const mark = { id: crypto.randomUUID(), epoch: 1, token: crypto.randomUUID() }
  fs.writeFileSync(path.join(data, 'cloud.json'), JSON.stringify(mark))
  const { said, status } = type(['tools/cloud.ts', 'start'], { DATABASE_URL: url, STRATOLITH_PORT: '18991' })
  expect(said).toMatch(new RegExp(`belongs to cloud ${mark.id}, and the database .* to cloud`))
  expect(status).toBe(1)
  const { rows } = await sql(url, `SELECT "tablename" FROM pg_tables WHERE "schemaname" = 'public'`)
  expect(rows).toEqual([{ tablename: 'Cloud' }])
  // No file says that this cloud runs, and no lock is held.
  expect(fs.readdirSync(path.join(data, 'run'))).toEqual(['worker'])
})

test('the record of applied migrations does not count for another database that is accepted', async () => {
  const url = await freshDatabase()
  expect(await migrate(url, where())).toBe('done')
  expect(await migrate(url, where())).toBe('up to date')
  await sql(url, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  expect(await migrate(url, where())).toBe('up to date')
  expect(await migrate(url, where(), { again: true })).toBe('done')
  expect((await sql(url, 'SELECT * FROM "Host"')).rows).toEqual([])
})

test('status says that a cloud without its supervisor still runs', () => {
  const own = spawn('sleep', ['600'])
  try {
    const agent = { pid: own.pid, startTime: startTime(own.pid ?? 0) }
    fs.writeFileSync(path.join(data, 'run/services.json'), JSON.stringify({ agent, api: agent }))
    const { said, status } = cloud('status')
    expect(said).toMatch(/^running without its supervisor, .*: agent, api go on, .*npm start takes over\./)
    expect(said).toMatch(/api +up\nworker +down\n.*\n.*\nPostgreSQL +down\n/)
    expect(status).toBe(1)
    const backup = type(['tools/backup/main.ts', 'backup', path.join(data, '../never-made')])
    expect(backup.said).toMatch(/is running without its supervisor.*npm start takes over\. Then back up\./)
  } finally {
    own.kill('SIGKILL')
  }
  fs.rmSync(path.join(data, 'run/services.json'))
  expect(cloud('status').said).toMatch(/^not running\n/)
})

test('status and destroy know the operator’s PostgreSQL from the files of a killed cloud', async () => {
  const url = await freshDatabase()
  const state = { pid: 1, startTime: null, url: 'http://here', data, databaseUrl: url }
  fs.writeFileSync(stateFile(where()), JSON.stringify(state))
  expect(cloud('status').said).toMatch(/PostgreSQL +up \(your own: postgresql:\/\/stratolith@127\.0\.0\.1/)
  const asked = cloud('destroy')
  expect(asked.said).toMatch(/Your own PostgreSQL stays as it is\./)
  expect(asked.said).toMatch(/Nobody is there to answer; without a question: npm run destroy -- --yes/)
  expect(asked.said).not.toMatch(/Warning/)
  expect(asked.status).toBe(1)
  expect(fs.existsSync(data)).toBe(true)
  const gone = cloud('destroy', '--yes')
  expect(gone.said).toMatch(
    /stays as it is\..*\n {2}dropdb --host=127\.0\.0\.1 --port=\d+ --username=stratolith c_/,
  )
  expect(gone.said).toContain(`Removed the data in ${data}.`)
  // The output does not say that guests go on, because destroy removes them.
  expect(gone.said).not.toMatch(/Guests go on|It was not running/)
  expect(gone.status).toBe(0)
  expect(fs.existsSync(data)).toBe(false)
  expect((await sql(url, 'SELECT 1 AS "n"')).rows).toEqual([{ n: 1 }])
})
