/**
 * node tools/test/identity.ts, on a running cloud: tests that each process has only its own rights. Each user tries
 * to read, open and signal files, doors and processes of others, and the real processes are checked from outside. It is
 * part of `npm test`.
 */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { findCloud, GiveUp, signedIn, until } from '../../e2e/support/cloud.ts'
import { steps } from '../../e2e/support/steps.ts'
import { commandOf } from '../cloud/launch.ts'
import { root } from '../cloud/paths.ts'
import { type ServiceUsers, serviceUsers } from '../cloud/users.ts'

const cloud = findCloud()
const users = serviceUsers()
const { step, end } = steps()
const at = (...names: string[]) => path.join(cloud.data, ...names)
const read = (...names: string[]) => fs.readFileSync(at(...names), 'utf8').trim()
const pids = Object.fromEntries(
  Object.entries(JSON.parse(read('run/services.json')) as Record<string, { pid: number }>).map(
    ([name, { pid }]) => [name, pid],
  ),
)

/** The secrets and the processes that may know them. */
const secrets: Record<string, { value: string; known: string[] }> = {
  'the password of the database': { value: read('postgres/password'), known: ['api', 'worker'] },
  'the password of its superuser': { value: read('postgres/superuser-password'), known: [] },
  'the secret of the portal': { value: read('secrets/internal-web'), known: ['api', 'web'] },
  'the secret of the console proxy': {
    value: read('secrets/internal-console'),
    known: ['api', 'console-proxy'],
  },
  'the proof of the front door': { value: read('secrets/front-door'), known: ['api', 'web'] },
  'the key of the sessions': { value: read('secrets/session'), known: ['web'] },
  'the key of the credentials': { value: read('secrets/credential.key'), known: [] },
  'the first password': { value: cloud.password('admin'), known: [] },
}
/** The program that runs as the user, makes each attempt and prints “open” or the reason why it failed. */
const probe = `
const fs = require('node:fs'), net = require('node:net')
const ways = {
  read: (file) => void fs.readFileSync(file),
  list: (dir) => void fs.readdirSync(dir),
  write: (file) => fs.closeSync(fs.openSync(file, 'r+')),
  signal: (pid) => void process.kill(pid, 0),
  become: (uid) => process.setuid(uid),
  connect: (path) => new Promise((resolve, reject) => {
    const socket = net.connect(path, () => { socket.destroy(); resolve() })
    socket.once('error', reject)
  }),
}
Promise.all(JSON.parse(process.argv[1]).map(async ([way, what]) => {
  try { await ways[way](what); return 'open' } catch (error) { return String(error.code ?? error) }
})).then((results) => console.log(JSON.stringify(results)))`

const identities: Record<string, { uid: number; gid: number } | null> = {
  agent: null,
  api: users.api,
  worker: users.api,
  'console-proxy': users.console,
  web: users.web,
}

for (const [name, user] of Object.entries(identities))
  await step(`${name} runs as its own user and was told its own secrets`, async () => {
    const status = fs.readFileSync(`/proc/${pids[name]}/status`, 'utf8')
    const field = (key: string) => new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? ''
    const ids = (id: number) => Array(4).fill(id).join('\t')
    if (user) {
      const seen = ['Uid', 'Gid', 'Groups', 'CapEff', 'CapPrm', 'CapBnd', 'NoNewPrivs'].map(field)
      const none = '0'.repeat(16)
      same(seen, [ids(user.uid), ids(user.gid), '', none, none, none, '1'])
    }
    const environment = fs.readFileSync(`/proc/${pids[name]}/environ`, 'utf8')
    const knows = Object.entries(secrets).filter(([, secret]) => environment.includes(secret.value))
    const may = Object.entries(secrets).filter(([, secret]) => secret.known.includes(name))
    same(
      knows.map(([what]) => what),
      may.map(([what]) => what),
    )
  })

await step('PostgreSQL runs as its own user, and what the api may there is its own database', async () => {
  const pid = Number(read('postgres/data/postmaster.pid').split('\n')[0])
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (key: string) => new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim()
  same(['Groups', 'CapPrm', 'CapBnd', 'NoNewPrivs'].map(field), ['', '0'.repeat(16), '0'.repeat(16), '1'])
  const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8')
  same(
    Object.keys(secrets).filter((what) => environment.includes(secrets[what]?.value ?? '')),
    [],
  )
  const url = /(?:^|\0)DATABASE_URL=([^\0]*)/.exec(fs.readFileSync(`/proc/${pids.api}/environ`, 'utf8'))?.[1]
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const why = await client.query(`COPY (SELECT 1) TO PROGRAM 'id'`).catch((error: Error) => error.message)
    if (!/permission denied/.test(String(why))) throw new Error(`a program was run: ${JSON.stringify(why)}`)
  } finally {
    await client.end()
  }
})

let guest = ''
await step('a guest runs', async () => {
  const { api } = await signedIn(cloud, 'demo')
  const image = (await api.images.list.query({ search: 'Tiny test image' })).items[0]
  const network =
    (await api.networking.networks.list.query({})).items.find((one) => !one.external) ??
    (await api.networking.networks.starter.mutate({}))
  const { instances } = await api.compute.instances.launch.mutate({
    name: 'identity',
    imageId: image?.id ?? '',
    flavorId: '1',
    networkIds: [network.id],
  })
  guest = instances[0]?.id ?? ''
  await until('ACTIVE', 300_000, async () => {
    const { status, fault } = await api.compute.instances.get.query({ id: guest })
    if (status === 'ERROR') throw new GiveUp(`ERROR: ${fault?.message}`)
    return status === 'ACTIVE'
  })
})

type Attempt = ['read' | 'list' | 'connect' | 'write' | 'signal' | 'become', string | number]
const host = path.dirname(cloud.agentSocket)
const own: Record<keyof ServiceUsers, Attempt[]> = {
  api: [
    ['read', at('secrets/credential.key')],
    ['read', blob()],
    ['list', at('images/blobs')],
    ['connect', cloud.agentSocket],
    ['signal', pids.worker ?? 0],
  ],
  console: [['connect', path.join(host, 'console.sock')]],
  web: [],
}
const foreign = attempts()
for (const name of ['api', 'console', 'web'] as const)
  await step(`as ${users[name].name}: what is its own opens, nothing else does`, async () => {
    const mine = new Set(own[name].map(String))
    const open = tryAs(name, [...own[name], ...foreign.filter((one) => !mine.has(String(one)))])
    same(open, own[name].map(String))
  })

await step('the secret of one process does not open the door of another', async () => {
  const status = async (url: string, secret: string | undefined) => {
    const headers = { 'content-type': 'application/json', ...(secret ? { 'x-internal-secret': secret } : {}) }
    return (await fetch(`${cloud.apiUrl}${url}`, { headers, method: 'POST', body: '{"token":"x"}' })).status
  }
  const portal = secrets['the secret of the portal']?.value
  const proxy = secrets['the secret of the console proxy']?.value
  const seen = []
  for (const url of ['/trpc/identity.signIn', '/internal/console/redeem'])
    for (const secret of [portal, proxy, undefined]) seen.push(await status(url, secret))
  // The first request is admitted and gets 400 for its body; an unknown token would be 403, too.
  same(seen, [400, 403, 403, 403, 403, 403])
  const watch = await fetch(`${cloud.apiUrl}/internal/console/watch?session=x`, {
    headers: { 'x-internal-secret': proxy ?? '' },
  })
  same(watch.status, 404)
})

await step('the guest is deleted', async () => {
  const { api } = await signedIn(cloud, 'demo')
  await api.compute.instances.delete.mutate({ id: guest })
  await until('deletion', 300_000, async () => {
    const { items } = await api.compute.instances.list.query({ limit: 1000 })
    return !items.some((instance) => instance.id === guest)
  })
})
end()

function blob(): string {
  const [name = 'none'] = fs.readdirSync(at('images/blobs'))
  return at('images/blobs', name)
}

/** All attempts: on each existing file, door and process that belongs to one of the users. */
function attempts(): Attempt[] {
  const files = ['secrets', 'logs'].flatMap((dir) => fs.readdirSync(at(dir)).map((name) => at(dir, name)))
  const home = path.join(host, 'instances', guest)
  const inside = fs.existsSync(path.join(home, 'run')) ? fs.readdirSync(path.join(home, 'run')) : []
  if (!inside.some((name) => name.includes('vnc'))) throw new Error(`no VNC socket in ${home}/run: ${inside}`)
  return [
    ...files.map((file): Attempt => ['read', file]),
    ...[
      'postgres/password',
      'postgres/superuser-password',
      'run/ports.json',
      'run/cloud.json',
      'admin-openrc.sh',
      'clouds.yaml',
    ].map((name): Attempt => ['read', at(name)]),
    ...['secrets', 'logs', 'images', 'images/blobs', 'images/bases', 'postgres/data', 'hosts'].map(
      (name): Attempt => ['list', at(name)],
    ),
    ['read', blob()],
    ['read', path.join(home, 'spec.json')],
    ['connect', cloud.agentSocket],
    ['connect', path.join(host, 'console.sock')],
    ...inside.map((name): Attempt => ['connect', path.join(home, 'run', name)]),
    ...Object.values(pids).flatMap((pid): Attempt[] => [
      ['signal', pid],
      ['read', `/proc/${pid}/environ`],
    ]),
    ['write', path.join(root, 'package.json')],
    ['write', path.join(root, 'apps/web/.next/BUILD_ID')],
    ['become', 0],
    ['become', users.api.uid],
  ]
}

/** The attempts that succeed as that user. Processes of the same user count as its own. */
function tryAs(name: keyof ServiceUsers, wanted: Attempt[]): string[] {
  const self = Object.entries(identities).filter(([, user]) => user?.uid === users[name].uid)
  const mine = new Set(
    self.flatMap(([process]) => [`signal,${pids[process]}`, `read,/proc/${pids[process]}/environ`]),
  )
  const keep = new Set(own[name].map(String))
  const asked = wanted.filter(
    (one) => keep.has(String(one)) || !(mine.has(String(one)) || String(one) === `become,${users[name].uid}`),
  )
  const [program = '', ...args] = commandOf(users[name], ['-e', probe, JSON.stringify(asked)])
  const said = execFileSync(program, args, { cwd: root, encoding: 'utf8' })
  const results = JSON.parse(said) as string[]
  if (results.length !== asked.length) throw new Error(`not every attempt was made: ${said}`)
  return asked.filter((_, i) => results[i] === 'open').map(String)
}

function same(seen: unknown, wanted: unknown): void {
  if (JSON.stringify(seen) !== JSON.stringify(wanted))
    throw new Error(`is ${JSON.stringify(seen)}, should be ${JSON.stringify(wanted)}`)
}
