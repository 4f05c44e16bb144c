import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { takeLock } from '../../apps/agent/src/lock.ts'
import { places, root } from '../cloud/paths.ts'
import { takeFolder } from '../cloud/running.ts'
import { ensureDatabase } from '../postgres.ts'
import { connected } from './database.ts'
import { userTables } from './tables.ts'

const data = fs.mkdtempSync('/var/tmp/stratolith-move-')
const where = places({ STRATOLITH_DATA: data })
let [source, target] = ['', '']

const type = (args: string[], databaseUrl: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, STRATOLITH_DATA: data, STRATOLITH_HOST: 'here', DATABASE_URL: databaseUrl },
  })
  return { status, said: stdout + stderr }
}
const move = (to = target) => type(['tools/backup/main.ts', 'move-database', to], source)
const fresh = () => ensureDatabase(inject('postgresUrl'), `m_${crypto.randomUUID().slice(0, 8)}`)

beforeAll(async () => {
  fs.chmodSync(data, 0o755)
  for (const dir of ['run', 'hosts/here']) fs.mkdirSync(path.join(data, dir), { recursive: true })
  source = await fresh()
  target = await fresh()
})
afterAll(() => fs.rmSync(data, { recursive: true }))

test('a cloud does not start while its database is moved, and a database is not moved while a cloud starts or writes', async () => {
  const leave = takeFolder(where)
  expect(move().said).toMatch(/Another command is at work in/)
  const start = type(['tools/cloud.ts', 'start'], source)
  expect(start.said).toMatch(/Another command is at work in/)
  expect(start.status).toBe(1)
  leave()
  const unlock = takeLock(path.join(data, 'hosts/here/agent.lock'))
  expect(move().said).toMatch(/Another agent/)
  unlock()
  await connected(`${source}?application_name=stratolith-worker%20x`, async () => {
    expect(move().said).toMatch(/stratolith-worker, from .* still writes/)
  })
  expect(await connected(target, userTables)).toEqual([])
})

test('an address without a usable database is refused with a sentence', async () => {
  const wrong = new URL(target)
  wrong.password = 'wrong'
  const absent = new URL(target)
  absent.pathname = '/absent'
  const urls: [string, RegExp][] = [
    ['postgresql://u:secret@127.0.0.1:1/x', /u@127\.0\.0\.1:1\/x cannot be used: nothing listens there/],
    ['postgresql://u:secret@no-such-host.invalid/x', /cannot be used: its host is not known/],
    [wrong.href, /cannot be used: the password is wrong/],
    [absent.href, /cannot be used: there is no such database/],
    ['mysql://u:secret@127.0.0.1/x', /Give the address of an empty database: postgresql:/],
  ]
  for (const [url, says] of urls) {
    const { said, status } = move(url)
    expect(said.trim()).toMatch(says)
    expect(said).not.toMatch(/secret|\n\s+at /)
    expect(status).toBe(1)
  }
})
