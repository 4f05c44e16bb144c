import { constants } from 'node:fs'
import {
  access,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { spawnDetached } from '../programs/run.ts'
import { openPlain } from './layers.ts'

/**
 * Servers of volumes that lie on other machines: for each volume that a guest of this host has, one process of QEMU
 * (qemu-storage-daemon) that reaches the storage over the network, and that the guest's QEMU reaches by a socket of this
 * machine alone. So a guest that has taken over its QEMU has neither the key of the storage nor a way to it through the
 * network, and a storage that does not answer makes only reads and writes wait, and not the whole QEMU. The servers go on
 * without the agent.
 */
export type Served = {
  /** The node of the block layer; it may name the file `secret` of the server's folder. */
  node: Record<string, unknown>
  /** The user who may open the socket. */
  guestUid: number
  /** The user of the server. */
  uid: number
  /** The secret with which the storage lets us in, in base64. The server reads it at its start only. */
  secret: string
  /** Further files that the server reads; they hold no secret. */
  files: Readonly<Record<string, string>>
  /** Another text, such as another size, lets a new server take the place of an old one. */
  stamp: string
  /** Further variables of the server's environment. */
  env?: Readonly<Record<string, string>>
  /** See stopServing. */
  lateMs?: number
  /** Runs before a server is started, when no old one runs any more. */
  before: () => Promise<void>
  /** Runs when the server has opened the volume, and before the guest can reach the server. When it raises, the server ends. */
  opened: () => Promise<void>
}

/** Path of the socket in the folder of a server. Linux allows 107 characters for the whole path. */
export const socketIn = (dir: string): string => path.join(dir, 's')
const longest = 107

const program = 'qemu-storage-daemon'
/** The socket is for the server's user and the guest's group. A constant program: all that varies comes as arguments. */
const withSocketMode = 'umask 0117 && exec "$@"'
const startMs = 30_000
const endMs = 5_000

/** Makes a server run in that folder, which is the server's own. A server of the same stamp that runs is left alone. */
export async function serve(op: Op, dir: string, served: Served): Promise<void> {
  if (socketIn(dir).length > longest)
    throw new DriverError('invalid', `The path of the socket is too long: ${socketIn(dir)}`)
  if ((await serverIn(dir)) !== null && (await stampIn(dir)) === served.stamp) return
  await stopServing(dir, served.lateMs)
  await served.before()
  // The folder's group becomes that of the socket. It may not pass the folder yet, but those above.
  await mkdir(dir, { recursive: true, mode: 0o711 })
  await chown(dir, served.uid, served.guestUid)
  await chmod(dir, 0o2700)
  for (const [name, text] of Object.entries(served.files))
    await writeFile(path.join(dir, name), text, { mode: 0o444, flag: 'wx' })
  await writeFile(path.join(dir, 'secret'), served.secret, { mode: 0o400, flag: 'wx' })
  await chown(path.join(dir, 'secret'), served.uid, served.uid)
  try {
    await start(op, dir, served)
  } finally {
    await rm(path.join(dir, 'secret'), { force: true })
  }
  try {
    await served.opened()
  } catch (error) {
    await stopServing(dir, served.lateMs)
    throw error
  }
  await chmod(dir, 0o2710)
  // The server's user may have put a link there, which 'wx' does not follow.
  await writeFile(path.join(dir, 'stamp'), served.stamp, { mode: 0o600, flag: 'wx' })
}

/** The stamp of the server in that folder; '' when the guest may not be able to reach the server yet. */
export const stampIn = (dir: string): Promise<string> => endOf(path.join(dir, 'stamp'))
export const isReady = async (dir: string): Promise<boolean> => (await stampIn(dir)) !== ''

/** The last 500 bytes of a file in the folder of a server, whose user may have put anything there; '' when there is none. */
async function endOf(file: string): Promise<string> {
  const handle = await openPlain(file, constants.O_RDONLY).catch(() => null)
  if (!handle) return ''
  try {
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(500), 0, 500, Math.max(0, size - 500))
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function start(op: Op, dir: string, { node, uid, env, lateMs }: Served): Promise<void> {
  const log = path.join(dir, 'log')
  const output = {
    path: log,
    flags: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
  }
  const { exited } = await spawnDetached({
    file: 'setpriv',
    args: [
      ...[`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'],
      ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--'],
      // A picture of the memory would hold the secret.
      ...['prlimit', '--core=0', '--', 'sh', '-c', withSocketMode, 'sh'],
      program,
      ...['--object', 'secret,id=key,format=base64,file=secret'],
      ...['--blockdev', JSON.stringify({ ...node, 'node-name': 'volume' })],
      ...['--nbd-server', 'addr.type=unix,addr.path=s'],
      ...['--export', 'nbd,id=volume,node-name=volume,name=volume,writable=on'],
    ],
    cwd: dir,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...env },
    descriptors: [output, output],
  })
  let over = false
  void exited.then(() => {
    over = true
  })
  for (const until = Date.now() + startMs; ; await Promise.race([sleep(10), exited])) {
    if (over) throw await failure(log)
    if (await access(socketIn(dir)).then(...[() => true, () => false])) return
    if (!op.signal.aborted && Date.now() < until) continue
    await end(dir, lateMs)
    throw new DriverError('unavailable', 'The storage of the volume does not answer.')
  }
}

/** The server's own words say why it has ended. */
async function failure(log: string): Promise<DriverError> {
  const said = (await endOf(log)).trim()
  if (/Unknown driver|not supported/.test(said))
    return new DriverError(
      'unsupported',
      `QEMU cannot reach this storage: run 'apt-get install qemu-block-extra'. ${said}`,
    )
  const code = /timed out|error connecting|refused/i.test(said) ? 'unavailable' : 'failed'
  return new DriverError(code, `The volume cannot be served: ${said || 'the server has said nothing.'}`)
}

/**
 * Ends the server in that folder and removes the folder. Succeeds when there is none. `lateMs`: how long the kernel may still
 * deliver what a server had sent that did not end in order: it was killed, or has died by itself, or its killing was cut off.
 */
export async function stopServing(dir: string, lateMs?: number): Promise<void> {
  await end(dir, lateMs)
  await rm(dir, { recursive: true, force: true })
}

async function end(dir: string, lateMs = 0): Promise<void> {
  // The folder of a server that has ended in order goes at once, and before its stamp nobody has written.
  if ((await serverIn(dir)) === null && (await isReady(dir))) await sleep(lateMs)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = await serverIn(dir)
    if (pid === null) return
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    for (const until = Date.now() + endMs; Date.now() < until; await sleep(10))
      if ((await folderOf(pid)) !== dir) break
    if (signal === 'SIGKILL') await sleep(lateMs)
  }
  if ((await serverIn(dir)) !== null)
    throw new DriverError('unavailable', `The server of a volume does not end: see ${dir}/log.`)
}

const serverIn = async (dir: string): Promise<number | null> => (await allServers()).get(dir) ?? null

/** The ids of the processes of all servers on this machine, by their folders. */
export async function allServers(): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const dir = await folderOf(Number(name))
    if (dir !== null) found.set(dir, Number(name))
  }
  return found
}

/**
 * The folder of the server that the process is; null when the process is none. The guest's user can enter the folder, too:
 * a server is of the folder's owner, or still of root, as which it begins.
 */
async function folderOf(pid: number): Promise<string | null> {
  try {
    const words = await readFile(`/proc/${pid}/cmdline`, 'latin1')
    if (!words.includes(`${program}\0`)) return null
    const dir = await readlink(`/proc/${pid}/cwd`)
    const uid = Number(/^Uid:\t(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'))?.[1])
    return uid === 0 || uid === (await stat(dir)).uid ? dir : null
  } catch {
    return null // The process or its folder has gone meanwhile.
  }
}
