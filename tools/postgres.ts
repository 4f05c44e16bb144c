import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { passwordOf, superuser, superuserUrl } from './postgres/application.ts'
import { startServer } from './postgres/server.ts'

/** `url` is the superuser's; the application has one of its own (postgres/application.ts). */
export type Postgres = { dir: string; url: string; pid: number; adopted: boolean; stop(): Promise<void> }

/**
 * Starts the embedded PostgreSQL under `dir`, or adopts the one that still runs there after a
 * kill -9 of whoever started it. The server listens on 127.0.0.1 only, with passwords of its own
 * kept beside the data (0600). `port` is remembered in `dir/port`, so that a restart keeps it.
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
    // No port: whoever started it was killed before it was written down.
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
 * A folder for a throw-away server: every user may enter it. It goes when this process ends, also by an
 * error or a signal; what still runs in it then (initdb, which nobody else stops) is ended first.
 */
export function throwAwayDir(prefix: string, parent = os.tmpdir()): string {
  const dir = fs.mkdtempSync(path.join(parent, prefix))
  fs.chmodSync(dir, 0o755)
  // By itself a signal ends a process without its exit handlers.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + os.constants.signals[signal]))
  process.once('exit', () => removeServer(dir))
  return dir
}

/** With whatever runs in it; for a server whose data nobody wants. */
export function removeServer(dir: string): void {
  for (let tries = 0; tries < 1000 && endProcessesIn(dir) > 0; tries++);
  fs.rmSync(dir, { recursive: true, force: true })
}

/** How many there were, by command line or (the helpers of initdb) PGDATA; a dead process has neither. */
function endProcessesIn(dir: string): number {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.filter((pid) => {
    try {
      const words = ['cmdline', 'environ'].map((file) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))
      return words.join('').includes(dir) && process.kill(Number(pid), 'SIGKILL')
    } catch {
      return false // it ended while we looked
    }
  }).length
}

/** Creates `name` if it is not there; returns its URL. */
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

/** Of the server under `dir`; null: none runs. */
export const postgresPid = (dir: string): number | null => readPid(path.join(dir, 'data'))

/** Pid of a postmaster that lives and is really ours (its command line names the directory). */
function readPid(data: string): number | null {
  try {
    const pid = Number(fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data) ? pid : null
  } catch {
    return null
  }
}

/** SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, everything is written. */
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

/** The remembered port when it is free, else any free one below the ephemeral range. */
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
