import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandOf, openCode } from './launch.ts'
import { takeOver } from './ownership.ts'
import { makePlaces, type Places } from './paths.ts'
import { serviceUsers } from './users.ts'

const users = serviceUsers()
const work = fs.mkdtempSync('/var/tmp/stratolith-launch-')
const home = path.join(work, 'home')
/** A checkout as `git clone` and `npm ci` make it under a umask of 077, in a home that is closed to others. */
const checkout = path.join(home, 'stratolith')
const node = path.join(checkout, 'node_modules/node/bin/node')

beforeAll(() => {
  fs.chmodSync(work, 0o755)
  for (const dir of ['apps/web', 'packages', 'prisma', 'docs', 'node_modules/node/bin', '.stratolith'])
    fs.mkdirSync(path.join(checkout, dir), { recursive: true, mode: 0o700 })
  fs.copyFileSync(process.execPath, node)
  fs.chmodSync(node, 0o700)
  const files = {
    'package.json': '{"type":"module"}',
    'package-lock.json': '{}',
    'tsconfig.json': '{}',
    'node_modules/.package-lock.json': '{}',
    'packages/other.ts': 'export const other: string = "other"',
    'apps/web/main.ts': `
      import { other } from '../../packages/other.ts'
      import fs from 'node:fs'
      const status = fs.readFileSync('/proc/self/status', 'utf8')
      console.log(JSON.stringify({ other, uid: process.getuid(), gid: process.getgid(), cwd: process.cwd(),
        seen: fs.readdirSync('.').sort(), caps: /CapEff:\\s*(.*)/.exec(status)[1] }))`,
    '.stratolith/secret': 'secret',
  }
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(checkout, name), text, { mode: 0o600 })
  fs.chmodSync(checkout, 0o700)
  fs.chmodSync(home, 0o700)
})
afterAll(() => fs.rmSync(work, { recursive: true, force: true }))

function run(lowPort = false) {
  const [program = '', ...args] = commandOf(users.web, ['apps/web/main.ts'], { checkout, node, lowPort })
  return execFileSync(program, args, { cwd: checkout, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

test('the user of a process sees the code in a closed home and nothing else of that home', () => {
  expect(() => run()).toThrow(/Cannot find module/)
  expect(openCode(checkout)).toBeGreaterThan(5)
  expect(openCode(checkout)).toBe(0)
  expect(JSON.parse(run())).toEqual({
    other: 'other',
    uid: users.web.uid,
    gid: users.web.gid,
    cwd: '/run/stratolith-code',
    seen: [
      'apps',
      'docs',
      'node_modules',
      'package-lock.json',
      'package.json',
      'packages',
      'prisma',
      'tsconfig.json',
    ],
    caps: '0000000000000000',
  })
  expect(fs.statSync(checkout).mode & 0o777).toBe(0o700)
  expect(fs.readdirSync('/run/stratolith-code')).toEqual([])
})

test('a process that serves a port below 1024 keeps the right to that alone', () => {
  expect(JSON.parse(run(true)).caps).toBe('0000000000000400')
})

test('a data folder of an earlier version gets new owners, except links and files of other users', () => {
  const data = path.join(work, 'data')
  const at = (name: string) => path.join(data, name)
  const where: Places = { data, run: at('run'), logs: at('logs'), secrets: at('secrets'), cache: at('cache') }
  for (const dir of ['secrets', 'images/blobs', 'images/staging', 'images/bases', 'elsewhere'])
    fs.mkdirSync(at(dir), { recursive: true })
  const write = (name: string, mode = 0o600) => fs.writeFileSync(at(name), name, { mode })
  for (const name of ['secrets/internal', 'secrets/session', 'secrets/ldap-password', 'policy.yaml'])
    write(name, 0o644)
  for (const name of [
    'images/blobs/a',
    'images/blobs/b',
    'elsewhere/linked',
    'elsewhere/named',
    'elsewhere/yaml',
  ])
    write(name)
  fs.linkSync(at('images/blobs/b'), at('images/bases/b.raw'))
  fs.symlinkSync(at('elsewhere/linked'), at('images/blobs/linked'))
  fs.linkSync(at('elsewhere/named'), at('images/blobs/named'))
  fs.symlinkSync(at('elsewhere/yaml'), at('ldap.yaml'))

  for (let i = 0; i < 2; i++) {
    makePlaces(where)
    takeOver(where, users)
  }
  const who = (name: string) => {
    const { uid, gid, mode } = fs.lstatSync(at(name))
    return [uid, gid, (mode & 0o7777).toString(8)]
  }
  const { api, web, console: proxy } = users
  expect(who('')).toEqual([0, web.gid, '705'])
  expect(who('images')).toEqual([0, proxy.gid, '701'])
  expect(who('images/blobs')).toEqual([api.uid, api.gid, '700'])
  expect(who('images/bases')).toEqual([0, 0, '700'])
  expect([who('images/blobs/a')[0], who('images/blobs/b')[0]]).toEqual([api.uid, api.uid])
  expect(who('secrets')).toEqual([0, api.gid, '710'])
  expect(who('secrets/session')).toEqual([0, 0, '600'])
  for (const name of ['secrets/credential.key', 'secrets/ldap-password', 'policy.yaml'])
    expect(who(name)).toEqual([0, api.gid, '640'])
  expect(fs.existsSync(at('secrets/internal'))).toBe(false)
  for (const name of ['elsewhere/linked', 'elsewhere/named', 'elsewhere/yaml'])
    expect(who(name)).toEqual([0, 0, '600'])
})
