import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, type Cloud, signedIn } from '../../e2e/support/cloud.ts'
import { type Bare, bareQemu, loginIn, type Recipe, recipeOf } from './bare-qemu.ts'
import { median, type Report } from './report.ts'

const launches = 5
const boots = 2

/**
 * Measures the time from POST to ACTIVE and to the login prompt of real guests, one at a time, beside bare QEMU with the
 * same arguments, image, accelerator and network. `whileOne` runs while a guest runs.
 */
export async function launch(
  cloud: Cloud,
  report: Report,
  whileOne: (instanceId: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const { api } = await signedIn(cloud, 'demo')
  const input = await launchOf(api)
  const active: number[] = []
  const login: number[] = []
  const bare: Bare[] = []
  // The first launch makes the base image and the network on the host and is not counted.
  for (let i = 0; i <= launches; i++) {
    const from = performance.now()
    const { instances } = await api.compute.instances.launch.mutate({ ...input, name: `bench-${i}` })
    const id = instances[0]?.id ?? ''
    try {
      await reached(api, id, 'ACTIVE')
      if (i > 0) active.push(performance.now() - from)
      if (i > 0 && i <= boots) {
        await loginIn(path.join(path.dirname(cloud.agentSocket), 'instances', id, 'serial.log'))
        login.push(performance.now() - from)
      }
      if (i === 1) await whileOne(id)
      if (i === launches) bare.push(...(await bareRuns(cloud, api, id)))
    } finally {
      await api.compute.instances.delete.mutate({ id })
      await gone(api, id)
    }
  }
  const accelerator = await acceleratorOf(cloud)
  const [runs, greeted] = [median(bare.map((run) => run.runsMs)), median(bare.map((run) => run.greetingMs))]
  const booted = median(bare.flatMap((run) => run.waitedMs ?? []))
  report({
    metric: 'launch POST→ACTIVE',
    value: median(active),
    unit: 'ms',
    floor: runs,
    note: `median of ${launches} (${active.map((ms) => ms.toFixed(0)).join(', ')}), ${accelerator}; floor: bare QEMU spawn→guest runs (its greeting comes after ${greeted.toFixed(0)} ms); asked every 25 ms`,
  })
  report({
    metric: 'launch over bare QEMU',
    value: (median(active) - runs) / 1000,
    unit: 's',
    target: '≤ 0.25',
  })
  report({
    metric: 'launch POST→login prompt',
    value: median(login) / 1000,
    unit: 's',
    floor: booted / 1000,
    note: `${login.length} boots (${login.map((ms) => (ms / 1000).toFixed(1)).join(', ')}); floor: the same image under bare QEMU on the same network`,
  })
}

export async function launchOf(api: Api) {
  const find = async () =>
    (await api.networking.networks.list.query({})).items.find((n) => !n.external && n.router)
  if (!(await find())) await api.networking.networks.starter.mutate({})
  const image = (await api.images.list.query({ search: 'Tiny test image' })).items.find(
    (one) => one.state === 'active',
  )
  const flavor = (await api.compute.flavors.list.query({})).items.find((one) => one.name === 'm1.nano')
  const network = await find()
  if (!image || !flavor || !network)
    throw new Error('The cloud has no image, flavor or network to launch with.')
  return { imageId: image.id, flavorId: flavor.id, networkIds: [network.id] }
}

/** Reads the arguments of the guest's QEMU, stops the guest, and starts bare QEMUs on its port. */
async function bareRuns(cloud: Cloud, api: Api, id: string): Promise<Bare[]> {
  const recipe: Recipe = recipeOf(cloud, id)
  await loginIn(path.join(path.dirname(cloud.agentSocket), 'instances', id, 'serial.log'))
  await api.compute.instances.stop.mutate({ id })
  await reached(api, id, 'SHUTOFF')
  const runs: Bare[] = []
  for (let i = 0; i < launches; i++) runs.push(await bareQemu(recipe, i < boots ? loginIn : null))
  return runs
}

export async function reached(api: Api, id: string, status: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(25)) {
    const instance = await api.compute.instances.get.query({ id })
    if (instance.status === status) return
    if (instance.status === 'ERROR') throw new Error(`The launch failed: ${instance.fault?.message}`)
  }
  throw new Error(`The instance ${id} is not ${status} within 120 s.`)
}

export async function gone(api: Api, id: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const left = await api.compute.instances.list.query({})
    if (!left.items.some((instance) => instance.id === id)) return
  }
  throw new Error(`The instance ${id} is not deleted within 60 s.`)
}

async function acceleratorOf(cloud: Cloud): Promise<string> {
  const { api } = await signedIn(cloud, 'admin')
  return (await api.hosts.list.query({})).items[0]?.accelerator ?? 'unknown accelerator'
}
