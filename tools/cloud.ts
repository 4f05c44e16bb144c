/** npm start | dev | stop | status | destroy, once the machine is prepared (tools/up.mjs). */
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline/promises'
import { runMigrations } from 'graphile-worker'
import { claimDatabase } from './cloud/claim.ts'
import { writeClientFiles } from './cloud/client-files.ts'
import { askDatabase } from './cloud/database.ts'
import { identify, refuseForeign } from './cloud/identity.ts'
import { openCode } from './cloud/launch.ts'
import { takeOver } from './cloud/ownership.ts'
import { firstPasswords, forgetWrong } from './cloud/passwords.ts'
import { makePlaces, type Places, places, writeAtomically } from './cloud/paths.ts'
import { buildPortal, buildTestImage, generateClient, migrate, node, testImage } from './cloud/prepare.ts'
import {
  hostName,
  type Running,
  refuseHalfRestored,
  refuseSecond,
  running,
  stateFile,
  takeFolder,
} from './cloud/running.ts'
import { type Cloud, internalPorts, seed, services } from './cloud/services.ts'
import { leftServices, Supervisor, startTime, stopLeftServices } from './cloud/supervisor.ts'
import { type ServiceUsers, serviceUsers } from './cloud/users.ts'
import { ensureDatabase, isFree, type Postgres, startPostgres } from './postgres.ts'

async function start(mode: 'start' | 'dev'): Promise<void> {
  const startedAt = Number(process.env.STRATOLITH_STARTED_AT ?? Date.now())
  const where = places()
  if (where.moved) console.log(`  ! ${where.moved}`)
  // Before anything is changed: owners and rights of a cloud that runs are not a second start's business.
  refuseSecond(where)
  refuseHalfRestored(where)
  makePlaces(where)
  const leaveFolder = takeFolder(where)
  // Again: what has begun a moment ago had the folder until now.
  refuseHalfRestored(where)
  const users = serviceUsers()
  takeOver(where, users)
  const { port, bind, publicUrl } = await frontDoor(where)
  const state: Running = {
    pid: process.pid,
    startTime: startTime(process.pid),
    url: publicUrl,
    data: where.data,
  }
  writeAtomically(stateFile(where), JSON.stringify(state))

  const supervisor = new Supervisor(where, mode === 'dev' ? { watch: null } : {})
  const opened: (() => Promise<void>)[] = []
  const stop = onSignals(async () => {
    await supervisor.stop()
    for (const close of opened.reverse()) await close()
    leaveFolder()
    fs.rmSync(stateFile(where), { force: true })
  })
  try {
    await step('Database client', generateClient)
    const databaseUrl = await openDatabase(where, opened)
    const portal = mode === 'start' ? step('Portal', buildPortal) : Promise.resolve()
    portal.catch(() => undefined) // heard below, where it is waited for
    writeAtomically(stateFile(where), JSON.stringify({ ...state, databaseUrl }))
    const accept = process.argv.includes('--accept-database')
    await step('Schema', () => migrate(databaseUrl, where, { again: accept }))
    await runMigrations({ connectionString: databaseUrl })
    await identify(databaseUrl, where, accept)
    await portal
    await step('Test image', () => buildTestImage(where))

    const cloud: Cloud = { where, port, bind, publicUrl, databaseUrl, host: hostName(), mode }
    const adminPassword = await startServices(cloud, supervisor, users)
    writeClientFiles(where, publicUrl, adminPassword)
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1)
    const password = adminPassword ?? 'as it was set in this cloud; it is not in this data folder'
    console.log(
      `\nOpen ${publicUrl}  user: admin  password: ${password}  (ready in ${seconds} s; Ctrl-C stops it, guests go on)`,
    )
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where the front door will be; processes that the last run left would hold it. */
async function frontDoor(where: Places): Promise<{ port: number; bind: string; publicUrl: string }> {
  const port = readPort()
  const bind = process.env.STRATOLITH_BIND ?? '0.0.0.0'
  const publicUrl = (process.env.STRATOLITH_PUBLIC_URL ?? `http://127.0.0.1:${port}`).replace(/\/$/, '')
  const left = await stopLeftServices(where)
  if (left > 0) console.log(`  ! ended ${left} processes that the last run left`)
  if (!(await isFree(port, bind)))
    throw new Error(
      `Port ${port} is taken by another program. Choose another: STRATOLITH_PORT=${port + 1} npm start`,
    )
  return { port, bind, publicUrl }
}

/** A database that is another cloud's, or that another supervisor uses, is refused before anything in it is changed. */
async function openDatabase(where: Places, opened: (() => Promise<void>)[]): Promise<string> {
  const own = process.env.DATABASE_URL
  if (own) await askDatabase(own)
  const server = own ? null : await openPostgres(where)
  if (server) {
    const keeper = keepPostgres(where, server)
    opened.push(() => keeper.stop())
  }
  const databaseUrl = own ?? (server ? await ensureDatabase(server.url, 'stratolith') : '')
  opened.push(await claimDatabase(databaseUrl, where, hostName()))
  if (!process.argv.includes('--accept-database')) await refuseForeign(databaseUrl, where)
  return databaseUrl
}

/** Starts every process and makes the first contents. Returns the password of admin; null: it is another. */
async function startServices(
  cloud: Cloud,
  supervisor: Supervisor,
  users: ServiceUsers,
): Promise<string | null> {
  const { where } = cloud
  const files = openCode()
  if (files > 0) console.log(`  ! ${files} files of the checkout were closed to the users of our processes`)
  const specs = services(cloud, await internalPorts(where), users)
  await step('Services', async () => {
    for (const spec of specs) supervisor.start(spec)
    await supervisor.ready(specs)
    return specs.map((spec) => spec.name).join(', ')
  })
  const passwords = firstPasswords(where)
  let right: ReadonlySet<string> = new Set()
  await step('First contents', async () => {
    right = await seed(specs, users, [testImage(where)], passwords)
    return 'there'
  })
  forgetWrong(where, passwords, right)
  return right.has('admin') ? passwords.admin.value : null
}

async function openPostgres(where: Places): Promise<Postgres> {
  const started = Date.now()
  const server = await startPostgres(path.join(where.data, 'postgres'), { durable: true })
  const how = server.adopted ? 'adopted' : 'started'
  console.log(`  ✓ PostgreSQL: ${how} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  return server
}

/** Starts PostgreSQL again when somebody killed it; what was committed is in its log and comes back. */
function keepPostgres(where: Places, first: Postgres): { stop(): Promise<void> } {
  let server = first
  let stopping = false
  let restart: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    if (fs.existsSync(`/proc/${server.pid}`)) return
    restart = restart.then(async () => {
      if (stopping || fs.existsSync(`/proc/${server.pid}`)) return
      console.error('PostgreSQL ended; starting it again.')
      server = await startPostgres(path.join(where.data, 'postgres'), { durable: true }).catch((error) => {
        console.error(error instanceof Error ? error.message : error)
        return server
      })
    })
  }, 500)
  return {
    async stop() {
      stopping = true
      clearInterval(timer)
      await restart
      await server.stop()
    },
  }
}

async function stop(): Promise<void> {
  const where = places()
  const cloud = running(where)
  if (cloud) {
    process.kill(cloud.pid, 'SIGTERM')
    while (running(where)) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stopLeftServices(where)
  await stopDatabase(where)
  console.log(cloud ? 'Stopped. Guests go on; `npm start` finds them again.' : 'It was not running.')
}

/** The embedded PostgreSQL may outlive a supervisor that was killed. */
async function stopDatabase(where: Places): Promise<void> {
  if (process.env.DATABASE_URL || !fs.existsSync(path.join(where.data, 'postgres/data/postmaster.pid')))
    return
  const server = await startPostgres(path.join(where.data, 'postgres'), { durable: true })
  await server.stop()
}

async function status(): Promise<number> {
  const where = places()
  const cloud = running(where)
  const names = Object.keys(leftServices(where))
  console.log(cloud ? `running at ${cloud.url}, supervisor pid ${cloud.pid}` : 'not running')
  console.log(`data: ${where.data}`)
  for (const name of ['agent', 'api', 'worker', 'console-proxy', 'web'])
    console.log(`${name.padEnd(14)} ${names.includes(name) ? 'up' : 'down'}`)
  return cloud && names.length === 5 ? 0 : 1
}

async function destroy(): Promise<void> {
  const where = places()
  if (!fs.existsSync(where.data)) {
    console.log(`Nothing to destroy: ${where.data} does not exist.`)
    return
  }
  if (!process.argv.includes('--yes')) {
    const terminal = readline.createInterface({ input: process.stdin, output: process.stdout })
    const answer = await terminal.question(
      `This removes every guest, network and all data of the cloud in ${where.data}. Type “destroy” to go on: `,
    )
    terminal.close()
    if (answer.trim() !== 'destroy') {
      console.log('Nothing was changed.')
      return
    }
  }
  await stop()
  const out = await node('apps/agent/src/destroy.ts', [], {
    STRATOLITH_DATA: where.data,
    STRATOLITH_HOST: hostName(),
  })
  process.stdout.write(out)
  fs.rmSync(where.data, { recursive: true, force: true })
  console.log(`Removed ${where.data}.`)
}

function readPort(): number {
  const port = Number(process.env.STRATOLITH_PORT ?? 8080)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error('STRATOLITH_PORT is not a port number.')
  return port
}

function onSignals(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null
  const once = () => {
    done ??= work()
    return done
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (done) return
      console.log('\nStopping; guests go on.')
      once().finally(() => process.exit(0))
    })
  return once
}

/** Says what is done, for how long, and in the end how it went. */
async function step(title: string, work: () => Promise<string>): Promise<void> {
  const started = Date.now()
  const seconds = () => (Date.now() - started) / 1000
  const tick = process.stdout.isTTY
    ? setInterval(() => process.stdout.write(`\r  … ${title} ${seconds().toFixed(0)} s`), 500)
    : null
  try {
    const note = await work()
    if (tick) process.stdout.write('\r\u001b[K')
    console.log(`  ✓ ${title}: ${note} (${seconds().toFixed(1)} s)`)
  } finally {
    if (tick) clearInterval(tick)
  }
}

// Secrets are written 0600 by those who write them; root's umask of 077, where it is set, would shut
// the users of PostgreSQL and the guests out of everything else.
process.umask(0o022)
const commands: Record<string, () => Promise<unknown>> = {
  start: () => start('start'),
  dev: () => start('dev'),
  stop,
  status,
  destroy,
}
const command = commands[process.argv[2] ?? 'start']
if (!command) {
  console.error('usage: npm start | npm run dev | stop | status | destroy [-- --yes]')
  process.exit(2)
}
try {
  const code = await command()
  if (typeof code === 'number') process.exitCode = code
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
