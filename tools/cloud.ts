/** The commands npm start | dev | stop | status | destroy, after tools/up.mjs has prepared the machine. */
import fs from 'node:fs'
import { runMigrations } from 'graphile-worker'
import { claimDatabase } from './cloud/claim.ts'
import { writeClientFiles } from './cloud/client-files.ts'
import { askDatabase } from './cloud/database.ts'
import { destroy } from './cloud/destroy.ts'
import { type FlagKinds, readFlags } from './cloud/flags.ts'
import { identify, refuseForeign } from './cloud/identity.ts'
import { openCode } from './cloud/launch.ts'
import { takeOver } from './cloud/ownership.ts'
import { firstPasswords, forgetWrong } from './cloud/passwords.ts'
import { makePlaces, type Places, places, writeAtomically } from './cloud/paths.ts'
import { buildPortal, buildTestImage, generateClient, migrate, testImage } from './cloud/prepare.ts'
import {
  embeddedDir,
  hostName,
  noteOwnDatabase,
  type Running,
  refuseHalfRestored,
  refuseSecond,
  stateFile,
  takeFolder,
} from './cloud/running.ts'
import { type Cloud, internalPorts, seed, services } from './cloud/services.ts'
import { checkSettings } from './cloud/settings.ts'
import { status } from './cloud/status.ts'
import { stop } from './cloud/stop.ts'
import { Supervisor, startTime, stopLeftServices } from './cloud/supervisor.ts'
import { type ServiceUsers, serviceUsers } from './cloud/users.ts'
import { applicationUrl } from './postgres/application.ts'
import { isFree, type Postgres, startPostgres } from './postgres.ts'

async function start(mode: 'start' | 'dev', accept: boolean): Promise<void> {
  for (const warning of checkSettings(process.env)) console.log(`  ! ${warning}`)
  const startedAt = Number(process.env.STRATOLITH_STARTED_AT ?? Date.now())
  const where = places()
  if (where.moved) console.log(`  ! ${where.moved}`)
  // These checks come before any change: a second start must not change owners and modes of a running cloud.
  refuseSecond(where)
  refuseHalfRestored(where)
  if (process.env.DATABASE_URL) await askDatabase(process.env.DATABASE_URL)
  makePlaces(where)
  const leaveFolder = takeFolder(where)
  // The check is repeated, because a restore may have held the folder until now.
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
    const databaseUrl = await openDatabase(where, accept, opened)
    const portal = mode === 'start' ? step('Portal', buildPortal) : Promise.resolve()
    const image = step('Test image', () => buildTestImage(where))
    // Failures are reported below, where the promises are awaited.
    for (const built of [portal, image]) built.catch(() => undefined)
    writeAtomically(stateFile(where), JSON.stringify({ ...state, databaseUrl }))
    await step('Schema', () => migrate(databaseUrl, where, { again: accept }))
    await runMigrations({ connectionString: databaseUrl })
    await identify(databaseUrl, where, accept)
    noteOwnDatabase(where, process.env.DATABASE_URL || null)
    await Promise.all([portal, image])

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

/** The address of the front door. Processes of the last run that hold its port are stopped. */
async function frontDoor(where: Places): Promise<{ port: number; bind: string; publicUrl: string }> {
  const port = Number(process.env.STRATOLITH_PORT ?? 8080)
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

/** Opens the database. It is refused, before anything in it is changed, when it belongs to another cloud or another supervisor uses it. */
async function openDatabase(
  where: Places,
  accept: boolean,
  opened: (() => Promise<void>)[],
): Promise<string> {
  const own = process.env.DATABASE_URL || null
  const server = own ? null : await openPostgres(where)
  if (server) {
    const keeper = keepPostgres(where, server)
    opened.push(() => keeper.stop())
  }
  const databaseUrl = own ?? (server ? await applicationUrl(server, 'stratolith') : '')
  opened.push(await claimDatabase(databaseUrl, where, hostName()))
  if (!accept) await refuseForeign(databaseUrl, where)
  return databaseUrl
}

/** Starts every process and makes the first contents. Returns the password of admin; null when it is not known here. */
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
  const server = await startPostgres(embeddedDir(where), { durable: true })
  const how = server.adopted ? 'adopted' : 'started'
  console.log(`  ✓ PostgreSQL: ${how} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  return server
}

/** Starts PostgreSQL again when it was killed; PostgreSQL recovers all commits from its log. */
function keepPostgres(where: Places, first: Postgres): { stop(): Promise<void> } {
  let server = first
  let stopping = false
  let restart: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    if (fs.existsSync(`/proc/${server.pid}`)) return
    restart = restart.then(async () => {
      if (stopping || fs.existsSync(`/proc/${server.pid}`)) return
      console.error('PostgreSQL ended; starting it again.')
      server = await startPostgres(embeddedDir(where), { durable: true }).catch((error) => {
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

/** Runs a step of the start and prints its title, its time and its result. */
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

// Files with secrets are written with mode 0600 explicitly. A umask of 077, which root may have, would close
// everything else to the users of PostgreSQL and of the guests.
process.umask(0o022)
type Command = {
  usage: string
  flags?: FlagKinds
  run: (flags: ReturnType<typeof readFlags>['values']) => Promise<unknown>
}
const accepting: FlagKinds = { 'accept-database': 'boolean' }
const commands: Record<string, Command> = {
  start: {
    usage: 'npm start [-- --accept-database]',
    flags: accepting,
    run: (flags) => start('start', flags['accept-database'] === true),
  },
  dev: {
    usage: 'npm run dev [-- --accept-database]',
    flags: accepting,
    run: (flags) => start('dev', flags['accept-database'] === true),
  },
  stop: { usage: 'npm run stop', run: stop },
  status: { usage: 'npm run status', run: status },
  destroy: {
    usage: 'npm run destroy [-- --yes]',
    flags: { yes: 'boolean' },
    run: (flags) => destroy(flags.yes === true),
  },
}
const command = commands[process.argv[2] ?? 'start']
if (!command) {
  console.error(
    `usage: ${Object.values(commands)
      .map(({ usage }) => usage)
      .join('\n       ')}`,
  )
  process.exit(2)
}
try {
  const { values, words } = readFlags(command.usage, process.argv.slice(3), command.flags ?? {})
  if (words.length > 0) throw new Error(`“${words.join(' ')}” is not understood. Type: ${command.usage}`)
  const code = await command.run(values)
  if (typeof code === 'number') process.exitCode = code
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
