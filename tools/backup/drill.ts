/**
 * node tools/backup/drill.ts, on a running cloud whose data may be lost: launch A, back up, launch B, delete A,
 * restore. A must be back and boot with its data, and B must still run. Then the same backup is restored on an empty
 * machine. The guests are boot sectors that write to their disks all the time. It is part of `npm test`, by turn.
 */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { writingGuestDisk } from '@stratolith/drivers/hypervisor/boot-sector'
import { connectAgent } from '@stratolith/drivers/remote'
import { type Api, type Cloud, findCloud, GiveUp, signedIn, until } from '../../e2e/support/cloud.ts'
import { steps } from '../../e2e/support/steps.ts'
import { places, root } from '../cloud/paths.ts'
import { restoreFile } from '../cloud/running.ts'
import { backupsIn, readManifest } from './format.ts'

const where = places()
const folder = fs.mkdtempSync('/var/tmp/stratolith-drill-')
const { step, end } = steps()
const name = `drill-${crypto.randomUUID().slice(0, 8)}`
let cloud: Cloud = findCloud()
let api: Api
let imageId = ''
let [a, b] = ['', '']
let pidOfB: number | undefined

const main = (...args: string[]) => run(['tools/backup/main.ts', ...args])
const newest = () => path.join(folder, backupsIn(folder).at(-1) ?? 'none')

await step('an image of a guest that writes, and A on it', async () => {
  api = (await signedIn(cloud, 'demo')).api
  const { token } = await signedIn(cloud, 'demo')
  const image = await api.images.create.mutate({ name, diskFormat: 'raw' })
  imageId = image.id
  const body = writingGuestDisk()
  const answer = await fetch(`${cloud.apiUrl}/upload/images/${imageId}`, {
    method: 'PUT',
    headers: { 'x-auth-token': token, 'x-internal-secret': cloud.doorSecret },
    body: new Uint8Array(body),
  })
  if (!answer.ok) throw new Error(`the upload was answered by ${answer.status}`)
  await until(
    'the image',
    60_000,
    async () => (await api.images.get.query({ id: imageId })).state === 'active',
  )
  a = await launch('a')
  await booted(a, 1)
})
await step('a folder inside of the data folder is refused', async () => {
  const { code, output } = await main('backup', path.join(where.data, 'backups'))
  if (code === 0 || !output.includes('inside of the cloud')) throw new Error(output)
})
await step('a backup that is killed goes on where it was; A is never paused', async () => {
  const agent = connectAgent(`unix:${cloud.agentSocket}`)
  const powers: string[] = []
  const stop = agent.hypervisor.subscribe((event) => {
    if (event.instanceId === a) powers.push(event.power)
  })
  // The stream begins with the present state.
  await until('the event stream', 30_000, async () => powers.length > 0)
  const [pid] = guests(a)
  const first = await killed(['backup', folder], () =>
    fs.globSync('*.part/journal.ndjson', { cwd: folder }).some((file) => size(path.join(folder, file)) > 0),
  )
  if (backupsIn(folder).length > 0) throw new Error(`the backup ended before it was killed: ${first}`)
  const second = await main('backup', folder)
  stop()
  agent.close()
  if (second.code !== 0 || !second.output.includes('going on with')) throw new Error(second.output)
  if (powers.some((power) => power !== 'running')) throw new Error(`A was ${powers.join(', ')}`)
  if (guests(a)[0] !== pid) throw new Error('A was started anew')
  const { disks } = readManifest(newest())
  if (!disks.find((disk) => disk.instanceId === a)?.live)
    throw new Error('A’s disk is not there as that of a running guest')
  if ((fs.statSync(folder).mode & 0o077) !== 0) throw new Error('others may look into the folder')
})
await step('a second backup shares the image bytes', async () => {
  const { code, output } = await main('backup', folder)
  if (code !== 0 || !/Images: 0 copied/.test(output)) throw new Error(output)
})
await step('launch B, delete A, stop the cloud', async () => {
  b = await launch('b')
  await booted(b, 1)
  pidOfB = guests(b)[0]
  await api.compute.instances.delete.mutate({ id: a })
  await until('deletion', 120_000, async () => (await names()).every((id) => id !== a))
  await stopCloud()
})
await step('a backup with one wrong byte is refused, and nothing is changed', async () => {
  const disk = readManifest(newest()).disks.find((one) => one.instanceId === a)
  const file = path.join(newest(), disk?.path ?? '')
  flipByte(file)
  const { code, output } = await main('restore', folder, '--yes')
  flipByte(file)
  if (code === 0 || !output.includes('is damaged; nothing was changed')) throw new Error(output)
  if (fs.existsSync(restoreFile(where))) throw new Error('the restore has begun')
  if (fs.readdirSync(where.data).some((entry) => entry.includes('before-restore')))
    throw new Error('a database was set aside')
})
await step(
  'a restore that is killed keeps the cloud from starting, and goes on when asked again',
  async () => {
    await killed(['restore', folder, '--yes'], () =>
      fs.existsSync(path.join(where.data, 'postgres.restoring/data')),
    )
    const start = await run(['tools/cloud.ts', 'start'])
    if (start.code === 0 || !start.output.includes('was cut short')) throw new Error(start.output)
    const { code, output } = await main('restore', folder, '--yes')
    if (code !== 0 || !output.includes('Restored.')) throw new Error(output)
  },
)
await step(
  'the cloud starts; A is there, stopped, and boots with its data; B runs on, unknown and untouched',
  async () => {
    await startCloud()
    await bootsAgain()
    if ((await names()).includes(b)) throw new Error('the database knows B')
    const { api: admin } = await signedIn(cloud, 'admin')
    await until('B among what is unknown', 120_000, async () => {
      const { items } = await admin.hosts.strays.query({ kind: 'guest' })
      return items.some((stray) => stray.thing === b)
    })
    if (pidOfB === undefined || guests(b)[0] !== pidOfB)
      throw new Error(`B was process ${pidOfB}, is ${guests(b)[0]}`)
    if (fs.globSync(`hosts/*/instances/${b}/disk-*.qcow2`, { cwd: where.data }).length !== 1)
      throw new Error('B’s disk is gone')
  },
)
await step('on an empty machine with another name: A is there and boots with its data', async () => {
  const kept = path.join(folder, 'cache')
  await run(['tools/cloud.ts', 'stop'])
  // The test image is kept, because making it takes longest and is not tested here.
  fs.cpSync(where.cache, kept, { recursive: true })
  const gone = await run(['tools/cloud.ts', 'destroy', '--yes'])
  if (gone.code !== 0 || fs.existsSync(where.data)) throw new Error(gone.output)
  process.env.STRATOLITH_HOST = 'another-machine'
  const { code, output } = await main('restore', folder, '--yes')
  if (code !== 0) throw new Error(output)
  fs.cpSync(kept, where.cache, { recursive: true, preserveTimestamps: true })
  await startCloud()
  await bootsAgain()
  const { api: admin } = await signedIn(cloud, 'admin')
  const { items } = await admin.hosts.list.query({})
  if (items.map((host) => host.name).join() !== 'another-machine') throw new Error(JSON.stringify(items))
})
await stopCloud()
fs.rmSync(folder, { recursive: true, force: true })
end()

async function bootsAgain(): Promise<void> {
  cloud = findCloud()
  api = (await signedIn(cloud, 'demo')).api
  await until('A stopped', 60_000, async () => {
    const instance = await api.compute.instances.get.query({ id: a })
    return instance.status === 'SHUTOFF' && instance.taskState === null
  })
  await api.compute.instances.start.mutate({ id: a })
  await active(a)
  await booted(a, 2)
}

async function launch(suffix: string): Promise<string> {
  const own = (await api.networking.networks.list.query({})).items.find((network) => !network.external)
  const networkId = own?.id ?? (await api.networking.networks.starter.mutate({})).id
  const { instances } = await api.compute.instances.launch.mutate({
    name: `${name}-${suffix}`,
    imageId,
    flavorId: '1',
    networkIds: [networkId],
  })
  const id = instances[0]?.id ?? ''
  await active(id)
  return id
}

async function active(id: string): Promise<void> {
  await until('ACTIVE', 120_000, async () => {
    const instance = await api.compute.instances.get.query({ id })
    if (instance.status === 'ERROR' && instance.taskState === null)
      throw new GiveUp(`ERROR: ${instance.fault?.message}`)
    return instance.status === 'ACTIVE' && instance.taskState === null
  })
}

/** Waits until the guest, which counts its boots on its disk, prints this count. */
async function booted(id: string, times: number): Promise<void> {
  await until(`boot ${times}`, 120_000, async () => {
    const { text } = await api.compute.instances.consoleLog.query({ id })
    return text.includes(`boot ${times}\r`) || text.includes(`boot ${times}\n`)
  })
}

async function names(): Promise<string[]> {
  return (await api.compute.instances.list.query({ limit: 1000 })).items.map((instance) => instance.id)
}

async function startCloud(): Promise<void> {
  const child = spawn(process.execPath, [path.join(root, 'tools/cloud.ts'), 'start'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Open http')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}: ${said}`)))
  })
}

async function stopCloud(): Promise<void> {
  const { code, output } = await run(['tools/cloud.ts', 'stop'])
  if (code !== 0) throw new Error(output)
}

type Ended = { code: number | null; output: string }
function run(args: string[], begun: (kill: () => void) => void = () => undefined): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  begun(() => child.kill('SIGKILL'))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}

/** Runs the program and kills it (SIGKILL) as soon as `when` is true; returns its output. */
async function killed(args: string[], when: () => boolean): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const { code, output } = await run(['tools/backup/main.ts', ...args], (kill) => {
    timer = setInterval(() => when() && kill(), 2)
  })
  clearInterval(timer)
  if (code !== null) throw new Error(`the program ended with ${code} before it was killed: ${output}`)
  return output
}

function size(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function flipByte(file: string): void {
  const handle = fs.openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  const at = Math.floor(fs.fstatSync(handle).size / 2)
  fs.readSync(handle, byte, 0, 1, at)
  fs.writeSync(handle, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at)
  fs.closeSync(handle)
}

/** The pids of the QEMU processes of this instance. */
function guests(id: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter((pid) => {
      if (!/^\d+$/.test(pid)) return false
      try {
        const argv = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        return argv.includes('qemu-system') && argv.includes(id)
      } catch {
        return false // The process ended meanwhile.
      }
    })
    .map(Number)
}
