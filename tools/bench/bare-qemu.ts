import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cloud } from '../../e2e/support/cloud.ts'

/** The way in which a guest of the cloud was started, read from its process, so that a bare QEMU can be started in the same way. */
export type Recipe = {
  binary: string
  args: string[]
  disk: string
  base: { file: string; format: string }
  /** Whether QEMU gets the base of its disk as an open descriptor, after its serial log. */
  isHanded: boolean
  netns: string | null
}

/** The recipe of the running guest with that id. */
export function recipeOf(cloud: Cloud, instanceId: string): Recipe {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandOf(pid)
    if (!words.includes(instanceId) || !words[0]?.includes('qemu')) continue
    const disk = diskOf(words)
    const info = JSON.parse(
      execFileSync('qemu-img', ['info', '-U', '--output=json', disk], { encoding: 'utf8' }),
    ) as { 'full-backing-filename'?: string; 'backing-filename-format'?: string }
    const { 'full-backing-filename': file, 'backing-filename-format': format } = info
    if (!file || !format) throw new Error(`The disk ${disk} is no overlay on an image.`)
    const netns = execFileSync('ip', ['netns', 'identify', pid], { encoding: 'utf8' }).trim() || null
    return {
      binary: fs.readlinkSync(`/proc/${pid}/exe`),
      args: words.slice(1),
      disk,
      base: { file, format },
      isHanded: words.some((word) => word.startsWith(`fd=${serialFd + 1},`)),
      netns,
    }
  }
  throw new Error(`No process runs the guest ${instanceId} of ${cloud.data}.`)
}

function commandOf(pid: string): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return [] // The process ended meanwhile.
  }
}

const serialFd = 3
/** The first disk file that has a name; its base was passed as an open descriptor. */
function diskOf(words: readonly string[]): string {
  const found = words.join('\n').match(/"filename":"(?!\/dev\/fdset\/)([^"]+)"/)?.[1]
  if (!found) throw new Error('The guest has no disk file.')
  return found
}

export type Bare = { greetingMs: number; runsMs: number; waitedMs: number | null }

/**
 * Starts the same QEMU without the cloud: a new overlay on the same image, the same arguments, in the same network
 * namespace on the same tap (the cloud's guest is off). Measures the times from spawn to the QMP greeting, which QEMU
 * sends while it still makes the machine, to the answer that the guest runs and to the end of `wait`, which gets the file
 * with the log of the serial console.
 */
export async function bareQemu(recipe: Recipe, wait: ((log: string) => Promise<void>) | null): Promise<Bare> {
  const dir = fs.mkdtempSync('/var/tmp/stratolith-bench-qemu-')
  const disk = path.join(dir, 'disk')
  const log = path.join(dir, 'serial.log')
  const args = recipe.args.map((word) => word.replaceAll(recipe.disk, disk))
  const enter = recipe.netns ? ['nsenter', `--net=/run/netns/${recipe.netns}`, '--'] : []
  const [file = '', ...rest] = [...enter, recipe.binary, ...args]
  const serial = fs.openSync(log, 'a', 0o600)
  const handed = recipe.isHanded ? [fs.openSync(recipe.base.file, 'r')] : []
  let child: ChildProcess | null = null
  try {
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-F',
      recipe.base.format,
      '-b',
      recipe.base.file,
      disk,
      '1G',
    ])
    const from = performance.now()
    child = spawn(file, rest, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit', serial, ...handed] })
    const qmp = await greeted(path.join(dir, 'qmp'), child)
    const greetingMs = performance.now() - from
    await run(qmp)
    const runsMs = performance.now() - from
    await wait?.(log)
    qmp.destroy()
    return { greetingMs, runsMs, waitedMs: wait ? performance.now() - from : null }
  } finally {
    for (const fd of [serial, ...handed]) fs.closeSync(fd)
    await ended(child)
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

async function ended(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Connects as soon as the socket is there and waits for QEMU's first line. */
async function greeted(socket: string, child: ChildProcess): Promise<net.Socket> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    if (child.exitCode !== null) throw new Error(`The bare QEMU ended with ${child.exitCode}.`)
    const client = await firstLine(socket).catch(() => null)
    if (client) return client
    await sleep(5)
  }
  throw new Error('The bare QEMU gave no QMP greeting within 30 s.')
}

function firstLine(socket: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const client = net.connect(socket)
    client.once('error', reject)
    client.once('data', () => resolve(client.on('error', () => undefined)))
  })
}

/** Negotiates and lets the guest run; resolves when QEMU has answered the second command. */
async function run(qmp: net.Socket): Promise<void> {
  let said = ''
  const answered = new Promise<void>((resolve) =>
    qmp.on('data', (chunk) => {
      said += chunk.toString('utf8')
      if (said.includes('"id": 2')) resolve()
    }),
  )
  qmp.write('{"execute":"qmp_capabilities","id":1}\n{"execute":"cont","id":2}\n')
  await answered
}

/** Resolves when the serial log shows a login prompt; checks every 20 ms. */
export async function loginIn(log: string, timeoutMs = 300_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(20))
    if (fs.existsSync(log) && /login:/.test(fs.readFileSync(log, 'latin1'))) return
  throw new Error(`No login prompt in ${log} within ${timeoutMs / 1000} s.`)
}
