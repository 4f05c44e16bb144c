import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { startPostgres } from '../postgres.ts'
import { installed, programs, serverUser } from './programs.ts'
import { startServer } from './server.ts'

const work = fs.mkdtempSync('/var/tmp/stratolith-postgres-test-')
fs.chmodSync(work, 0o755)
afterAll(() => {
  vi.unstubAllEnvs()
  fs.rmSync(work, { recursive: true, force: true })
})
const user = serverUser()
const runs = (program: string) =>
  execFileSync(program, ['--version'], {
    ...(user ?? {}),
    cwd: '/',
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })

test('programs in a closed home are run by the server’s user from a copy, which is made once for each version', () => {
  const home = path.join(work, 'home')
  const native = path.join(home, 'native')
  const dir = path.join(work, 'open')
  fs.mkdirSync(dir)
  fs.cpSync(installed().native, native, { recursive: true, verbatimSymlinks: true })
  const beside = programs(dir, user, { native, version: '1' })
  expect(beside.initdb).toBe(path.join(native, 'bin/initdb'))

  fs.chmodSync(home, 0o700)
  expect(() => runs(beside.initdb)).toThrow(/EACCES/)
  const first = programs(dir, user, { native, version: '1' })
  expect(runs(first.initdb)).toMatch(/PostgreSQL/)
  expect(runs(first.postgres)).toMatch(/PostgreSQL/)
  const made = fs.statSync(first.postgres).ino
  expect(fs.statSync(programs(dir, user, { native, version: '1' }).postgres).ino).toBe(made)

  const second = programs(dir, user, { native, version: '2' })
  expect(runs(second.postgres)).toMatch(/PostgreSQL/)
  expect(fs.readdirSync(dir)).toEqual(['native-2'])
})

test('a server that cannot be made is reported in a sentence, and the next start makes it', async () => {
  const dir = path.join(work, 'closed')
  fs.mkdirSync(dir, { mode: 0o700 })
  const spec = { dir, port: 1, password: 'unused', settings: {} }
  await expect(startServer(spec)).rejects.toThrow(/^PostgreSQL did not start in .*Permission denied/)
  expect(fs.readdirSync(dir)).not.toContain('data')
  expect(fs.readdirSync(dir)).not.toContain('password.initdb')

  vi.stubEnv('STRATOLITH_SOMETHING', 'a secret of ours')
  const server = await startPostgres(dir, { durable: false })
  const told = fs.readFileSync(`/proc/${server.pid}/environ`, 'latin1')
  const names = told.split('\0').flatMap((line) => line.split('=')[0] || [])
  const general = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|SSL_CERT_[A-Z]+|NODE_[A-Z_]+|PG[A-Z_]+)$/
  expect(names.filter((name) => !general.test(name))).toEqual([])
  expect(names).toContain('LC_MESSAGES')
  const status = fs.readFileSync(`/proc/${server.pid}/status`, 'utf8')
  const field = (key: string) => new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim()
  const none = '0'.repeat(16)
  expect(['Groups', 'CapPrm', 'CapBnd', 'NoNewPrivs'].map(field)).toEqual(['', none, none, '1'])
  await server.stop()
  expect(fs.existsSync(`/proc/${server.pid}`)).toBe(false)
})
