/**
 * node tools/durability.ts, on a running cloud: kills (SIGKILL) each of our processes in the middle of its work, and
 * freezes all of them. Nothing that was acknowledged may be lost, no orphan may stay, and the running guest must not be
 * touched. It is part of `npm test`.
 */
import fs from 'node:fs'
import path from 'node:path'
import { type Api, findCloud, GiveUp, signedIn, until } from '../e2e/support/cloud.ts'
import { steps } from '../e2e/support/steps.ts'
import { startTime } from './cloud/supervisor.ts'

const cloud = findCloud()
const { step, end } = steps()
const run = crypto.randomUUID().slice(0, 8)
let api: Api
let imageId = ''
let networkId = ''
/** The pids that this program has killed, by process. */
const killed = new Map<Name, number>()

await step('sign in', async () => {
  api = (await signedIn(cloud, 'demo')).api
  const images = await api.images.list.query({ search: 'Tiny test image' })
  imageId = images.items.find((image) => image.state === 'active')?.id ?? ''
  const own = (await api.networking.networks.list.query({})).items.find((n) => !n.external)
  networkId = own?.id ?? (await api.networking.networks.starter.mutate({})).id
})

let first = ''
await step(
  'the worker is killed right after a launch was acknowledged: it comes up all the same',
  async () => {
    first = await launch('a')
    await kill('worker')
    await status(first, 'ACTIVE')
  },
)
await step('the worker is killed in the middle of the build: it comes up all the same, once', async () => {
  const second = await launch('b')
  await until('a step under way', 300_000, async () => {
    const { items } = await api.operations.list.query({ resourceId: second })
    return items.some((operation) => operation.action === 'instance.create' && operation.steps.length > 0)
  })
  await kill('worker')
  await status(second, 'ACTIVE')
  if (guests(second).length !== 1) throw new Error(`${guests(second).length} guests run for one instance`)
  await api.compute.instances.delete.mutate({ id: second })
  await kill('worker')
  await gone(second)
  if (guests(second).length !== 0) throw new Error('its guest still runs')
})
await step('the agent is killed in the middle of a build: it comes up all the same', async () => {
  const third = await launch('c')
  await kill('agent')
  await status(third, 'ACTIVE')
  await api.compute.instances.delete.mutate({ id: third })
  await gone(third)
})

let volume = ''
await step('the worker and the agent are killed while a volume is attached: the guest has it', async () => {
  volume = (await api.volumes.create.mutate({ name: `durable-${run}`, sizeGib: 1 })).id
  await kill('worker')
  await volumeIs('available')
  await api.compute.instances.attachVolume.mutate({ id: first, volumeId: volume })
  await kill('agent')
  await kill('worker')
  await volumeIs('in-use')
})
await step(
  'the agent is killed while a snapshot is taken and the volume grows: both are done once',
  async () => {
    await api.volumes.snapshots.create.mutate({ volumeId: volume, name: 'durable' })
    await kill('agent')
    await snapshotsAre('available')
    await api.volumes.extend.mutate({ id: volume, sizeGib: 2 })
    await kill('agent')
    const grown = await volumeIs('in-use')
    // A host that does not answer fails the growth, which then holds its room; asked again, the host has made it already.
    if (grown.sizeGib !== 2) await api.volumes.extend.mutate({ id: volume, sizeGib: 2 })
    if ((await volumeIs('in-use')).sizeGib !== 2) throw new Error('the volume did not grow')
  },
)

for (const name of ['agent', 'api', 'console-proxy', 'web', 'postgres'] as const)
  await step(`kill -9 of ${name}: it is back, the running guest was not touched`, async () => {
    const [before] = guests(first)
    await kill(name)
    await until(`${name} again`, 180_000, async () => running(name) && (await works()))
    const [after] = guests(first)
    if (before === undefined || before !== after)
      throw new Error(`the guest was process ${before}, is ${after}`)
    await status(first, 'ACTIVE')
  })

await step(
  'all of them freeze at once: each is ended and started again, the guest was not touched',
  async () => {
    const [before] = guests(first)
    const names = ['agent', 'api', 'worker', 'console-proxy', 'web'] as const
    // A process that has just been started is given more time than this step has, so wait until all are old enough.
    await until('old enough', 60_000, async () => names.every((name) => ageMs(name) > 12_000))
    for (const name of names) await kill(name, 'SIGSTOP')
    await until('all again', 300_000, async () => names.every(running) && (await works()))
    if (before === undefined || before !== guests(first)[0]) throw new Error('the guest was touched')
    await status(first, 'ACTIVE')
  },
)
await step('a guest whose QEMU is killed shows ERROR with the reason, within seconds', async () => {
  const [pid] = guests(first)
  if (pid === undefined) throw new Error('it does not run')
  process.kill(pid, 'SIGKILL')
  const view = await until('ERROR', 15_000, async () => {
    const instance = await api.compute.instances.get.query({ id: first })
    return instance.status === 'ERROR' && instance
  })
  if (!view.fault?.message) throw new Error('there is no reason')
})
await step('a hard reboot brings it back', async () => {
  await api.compute.instances.reboot.mutate({ id: first, kind: 'hard' })
  await status(first, 'ACTIVE')
})
await step(
  'deleted, and nothing is left on the host but the volume, which goes back to its snapshot',
  async () => {
    await volumeIs('in-use')
    await api.compute.instances.delete.mutate({ id: first })
    await kill('agent')
    await gone(first)
    const folder = path.join(path.dirname(cloud.agentSocket), 'instances', first)
    if (fs.existsSync(folder)) throw new Error(`${folder} is still there`)
    await volumeIs('available')
    const { id } = await snapshotsAre('available')
    await api.volumes.revert.mutate({ id: volume, snapshotId: id })
    await kill('worker')
    await volumeIs('available')
    await snapshotsAre('available')
  },
)
await step(
  'the snapshot and the volume are deleted while processes are killed, and their data are gone',
  async () => {
    const { id } = await snapshotsAre('available')
    await api.volumes.snapshots.delete.mutate({ id })
    await kill('worker')
    await until('deletion of the snapshot', 300_000, async () => {
      const { items } = await api.volumes.snapshots.list.query({ volumeId: volume })
      return items.length === 0
    })
    await api.volumes.delete.mutate({ id: volume })
    await kill('worker')
    // The deleted volume waits, so that somebody can take it back.
    await api.volumes.trash.end.mutate({ id: volume })
    await kill('agent')
    const pool = path.join(path.dirname(cloud.agentSocket), 'volumes/local')
    await until('removal of the data', 300_000, async () =>
      ['data', 'snapshots', 'open'].every((name) => fs.readdirSync(path.join(pool, name)).length === 0),
    )
  },
)
await step('the host counts as one that answers', async () => {
  const { api: admin } = await signedIn(cloud, 'admin')
  await until('up', 60_000, async () => {
    const { items } = await admin.hosts.list.query({})
    return items.length > 0 && items.every((host) => host.state === 'up')
  })
})
end()

async function launch(name: string): Promise<string> {
  const { instances } = await api.compute.instances.launch.mutate({
    name: `durable-${run}-${name}`,
    imageId,
    flavorId: '1',
    networkIds: [networkId],
  })
  return instances[0]?.id ?? ''
}

async function status(id: string, wanted: string): Promise<void> {
  await until(`status ${wanted}`, 300_000, async () => {
    const instance = await api.compute.instances.get.query({ id })
    if (instance.status === 'ERROR' && instance.taskState === null)
      throw new GiveUp(`ERROR: ${instance.fault?.message}`)
    return instance.status === wanted && instance.taskState === null
  })
}

async function volumeIs(wanted: string) {
  return await until(`the volume is ${wanted}`, 300_000, async () => {
    const view = await api.volumes.get.query({ id: volume })
    if (view.state.startsWith('error')) throw new GiveUp(`${view.state}: ${view.error}`)
    return view.state === wanted && view
  })
}

/** Waits until the only snapshot of the volume is in that state. */
async function snapshotsAre(wanted: string) {
  return await until(`the snapshot is ${wanted}`, 300_000, async () => {
    const [view, ...others] = (await api.volumes.snapshots.list.query({ volumeId: volume })).items
    if (!view || others.length > 0) throw new GiveUp(`${others.length + 1} snapshots instead of one`)
    if (view.state.startsWith('error')) throw new GiveUp(`${view.state}: ${view.error}`)
    return view.state === wanted && view
  })
}

async function gone(id: string): Promise<void> {
  await until('deletion', 300_000, async () => {
    const { items } = await api.compute.instances.list.query({ limit: 1000 })
    return !items.some((instance) => instance.id === id)
  })
}

async function works(): Promise<boolean> {
  const answer = await fetch(`${cloud.url}/sign-in`)
  await api.compute.instances.list.query({})
  return answer.ok
}

type Name = 'agent' | 'api' | 'worker' | 'console-proxy' | 'web' | 'postgres'

function pidOf(name: Name): number {
  if (name === 'postgres') {
    const file = path.join(cloud.data, 'postgres/data/postmaster.pid')
    return Number(fs.readFileSync(file, 'utf8').split('\n')[0])
  }
  const services = JSON.parse(fs.readFileSync(path.join(cloud.data, 'run/services.json'), 'utf8'))
  return (services as Record<Name, { pid: number }>)[name].pid
}

/** Sends the signal to the process; waits first until the process runs again when this program has killed it before. */
async function kill(name: Name, signal: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL'): Promise<void> {
  await until(`${name} again`, 180_000, async () => running(name))
  const pid = pidOf(name)
  killed.set(name, pid)
  process.kill(pid, signal)
}
/** How long the process has run, in ms; start times are in ticks of 10 ms since the boot of the machine. */
function ageMs(name: Name): number {
  const [uptime] = fs.readFileSync('/proc/uptime', 'utf8').split(' ')
  return Number(uptime) * 1000 - Number(startTime(pidOf(name)) ?? Number.NaN) * 10
}

/** True when the process runs again, with another pid than the killed one. */
function running(name: Name): boolean {
  return pidOf(name) !== killed.get(name) && fs.existsSync(`/proc/${pidOf(name)}`)
}

/** The pids of the QEMU processes of this instance. */
function guests(id: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const argv = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return argv.includes('qemu-system') && argv.includes(id)
      } catch {
        return false // The process ended meanwhile.
      }
    })
    .map(Number)
}
