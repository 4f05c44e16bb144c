import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { passwordOf, superuser, superuserUrl } from './postgres/application.ts'
import { startServer } from './postgres/server.ts'

/** A PostgreSQL server; `url` is the superuser's, and the application has a URL of its own (postgres/application.ts). */
export type Postgres = { dir: string; url: string; pid: number; adopted: boolean; stop(): Promise<void> }

/**
 * Starts the embedded PostgreSQL under `dir`, or adopts the server that still runs there after a
 * kill -9 of the process that started it. The server listens on 127.0.0.1 only; its passwords are
 * kept beside the data (0600). The port is recorded in `dir/port`, so that a restart keeps it.
 */
export async function startPostgres(
  dir: string,
  options: { durable: boolean; log?: (line: string) => void },
): Promise<Postgres> {
  fs.mkdirSync(dir, { recursive: true })
  fs.chmodSync(dir, 0o755)
  const data = path.join(dir, 'data')
  const running = readPid(data)
  if (running) {
    // Without a recorded port, the process that started the server was killed before it recorded the port.
    const file = path.join(dir, 'port')
    const url = fs.existsSync(file) ? await superuserUrl(dir, Number(fs.readFileSync(file, 'utf8'))) : null
    if (url) return { dir, url, pid: running, adopted: true, stop: () => stopPid(running) }
    await stopPid(running)
  }
  const port = await freePort(path.join(dir, 'port'))
  const password = passwordOf(dir, superuser)
  await startServer({ dir, port, password, settings: settings(options.durable), log: options.log })
  fs.writeFileSync(path.join(dir, 'port'), String(port), { mode: 0o644 })
  const pid = readPid(data)
  if (!pid) throw new Error('PostgreSQL wrote no postmaster.pid')
  const url = await superuserUrl(dir, port)
  if (!url) {
    await stopPid(pid)
    throw new Error(
      `PostgreSQL in ${dir} knows neither of the passwords that lie there. Put back what was there.`,
    )
  }
  return { dir, url, pid, adopted: false, stop: () => stopPid(pid) }
}

/**
 * Makes a folder for a throw-away server, which every user may enter. It is removed when this process ends, also by an
 * error or a signal; processes that still run in it (initdb, which nobody else stops) are ended first.
 */
export function throwAwayDir(prefix: string, parent = os.tmpdir()): string {
  const dir = fs.mkdtempSync(path.join(parent, prefix))
  fs.chmodSync(dir, 0o755)
  // Without a handler a signal ends a process without running its exit handlers.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + os.constants.signals[signal]))
  process.once('exit', () => removeServer(dir))
  return dir
}

/** Removes a server's folder and ends the processes in it; for a server whose data nobody needs. */
export function removeServer(dir: string): void {
  for (let tries = 0; tries < 1000 && endProcessesIn(dir) > 0; tries++);
  fs.rmSync(dir, { recursive: true, force: true })
}

/** Ends the processes of a folder, found by command line or (the helpers of initdb) by PGDATA; returns their number. A dead process has neither. */
function endProcessesIn(dir: string): number {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.filter((pid) => {
    try {
      const words = ['cmdline', 'environ'].map((file) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))
      return words.join('').includes(dir) && process.kill(Number(pid), 'SIGKILL')
    } catch {
      return false // The process ended meanwhile.
    }
  }).length
}

/** Creates the database `name` if it is missing; returns its URL. */
export async function ensureDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (!rowCount) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const target = new URL(url)
  target.pathname = `/${name}`
  return target.href
}

const settings = (durable: boolean): Record<string, string> => ({
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
})

/** The pid of the server under `dir`; null when none runs. */
export const postgresPid = (dir: string): number | null => readPid(path.join(dir, 'data'))

/** The pid of a living postmaster that is really ours (its command line names the directory); otherwise null. */
function readPid(data: string): number | null {
  try {
    const pid = Number(fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data) ? pid : null
  } catch {
    return null
  }
}

/** Stops a server by SIGINT, PostgreSQL's "fast" shutdown: sessions are ended and everything is written. */
async function stopPid(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    return
  }
  for (let i = 0; i < 300 && fs.existsSync(`/proc/${pid}`) && !isZombie(pid); i++)
    await new Promise((r) => setTimeout(r, 50))
}
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''))
  } catch {
    return true
  }
}

/** The recorded port if it is free, otherwise any free port below the ephemeral range. */
async function freePort(file: string): Promise<number> {
  const remembered = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0
  for (let i = 0; i < 100; i++) {
    const port = i === 0 && remembered ? remembered : 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free TCP port between 20000 and 32000 for PostgreSQL.')
}
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}
