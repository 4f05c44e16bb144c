/**
 * node tools/soak.ts [CYCLES]: launches guests with volumes on the running cloud (STRATOLITH_DATA) and deletes them, one
 * after the other. Afterwards no process, link, namespace, folder or row may be left that was not there before. Run it on a
 * cloud that nobody else uses meanwhile. It prints one line for each cycle and ends with
 * "10 cycles, 0 leftovers", or names the leftovers and exits with 1.
 */
import fs from 'node:fs'
import { dataPlaneNamespace, findCloud, GiveUp, signedIn, until } from '../e2e/support/cloud.ts'
import { connectDatabase } from './cloud/connect.ts'
import { linksIn, namespacesOf, qemusOf } from './soak/machine.ts'
import { rowsOf } from './soak/rows.ts'

const cycles = Number(process.argv[2] ?? 10)
const cloud = findCloud()
const { api } = await signedIn(cloud, 'demo')
const dataPlane = await dataPlaneNamespace(cloud)
const db = await connectDatabase(cloud.data)
try {
  const place = await makePlace()
  // One guest comes before the first snapshot, because the first guest on a network makes things that stay with the network.
  await cycle(0, place)
  await settled(new Set(), 2_000)
  const before = new Set(await inventory())
  for (let index = 1; index <= cycles; index++) await cycle(index, place)
  const left = await settled(before, 30_000)
  for (const line of left) console.error(`left over: ${line}`)
  console.log(`${cycles} cycles, ${left.length} leftovers`)
  await db.end()
  // process.exit, because the exit hook of a library would end the process with 0.
  process.exit(left.length === 0 ? 0 : 1)
} finally {
  await db.end().catch(() => undefined)
}

type Place = { imageId: string; flavorId: string; networkId: string }

async function makePlace(): Promise<Place> {
  const routed = async () =>
    (await api.networking.networks.list.query({})).items.find((n) => !n.external && n.router)
  if (!(await routed())) await api.networking.networks.starter.mutate({})
  const images = await api.images.list.query({ search: 'Tiny test image' })
  const flavors = await api.compute.flavors.list.query({})
  const flavor = flavors.items.find((f) => f.name === 'm1.nano') ?? flavors.items[0]
  const image = images.items.find((i) => i.state === 'active')
  const network = await routed()
  if (!image || !flavor || !network) throw new Error('The cloud has no image, flavor or routed network.')
  return { imageId: image.id, flavorId: flavor.id, networkId: network.id }
}

/** Runs one cycle: a launch with a public address, ACTIVE, a volume that is used, a console, the deletion, gone. */
async function cycle(index: number, { imageId, flavorId, networkId }: Place): Promise<void> {
  const started = Date.now()
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1)
  const { instances } = await api.compute.instances.launch.mutate({
    name: `soak-${index}`,
    imageId,
    flavorId,
    networkIds: [networkId],
    openPresets: ['ping'],
    publicIp: true,
  })
  const id = instances[0]?.id ?? ''
  await until('ACTIVE', 300_000, async () => {
    const instance = await api.compute.instances.get.query({ id })
    if (instance.status === 'ERROR') throw new GiveUp(`ERROR: ${instance.fault?.message}`)
    return instance.status === 'ACTIVE'
  })
  const active = seconds()
  const volume = await useVolume(id)
  await api.compute.instances.createConsole.mutate({ id, protocol: 'serial' })
  await api.compute.instances.delete.mutate({ id })
  await rowGone('Instance', id)
  await endVolume(volume)
  console.log(`cycle ${index}: active after ${active} s, gone after ${seconds()} s`)
}

async function volumeIs(id: string, state: string): Promise<void> {
  await until(`the volume is ${state}`, 300_000, async () => {
    const volume = await api.volumes.get.query({ id })
    if (volume.state.startsWith('error')) throw new GiveUp(`${volume.state}: ${volume.error}`)
    return volume.state === state
  })
}

async function rowGone(table: 'Volume' | 'VolumeSnapshot' | 'Instance', id: string): Promise<void> {
  await until(`${table} ${id} is gone`, 300_000, async () => {
    const { rowCount } = await db.query(`SELECT 1 FROM "${table}" WHERE "id" = $1`, [id])
    return rowCount === 0
  })
}

/** Gives the guest a new volume, which is kept in a snapshot for a moment and grows; returns its id. */
async function useVolume(instanceId: string): Promise<string> {
  const { id } = await api.volumes.create.mutate({ name: 'soak', sizeGib: 1 })
  await volumeIs(id, 'available')
  await api.compute.instances.attachVolume.mutate({ id: instanceId, volumeId: id })
  await volumeIs(id, 'in-use')
  const snapshot = await api.volumes.snapshots.create.mutate({ volumeId: id })
  await until('the snapshot is available', 300_000, async () => {
    return (await api.volumes.snapshots.get.query({ id: snapshot.id })).state === 'available'
  })
  await api.volumes.extend.mutate({ id, sizeGib: 2 })
  await volumeIs(id, 'in-use')
  // What is deleted waits, so that somebody can take it back.
  await api.volumes.snapshots.delete.mutate({ id: snapshot.id })
  await api.volumes.snapshots.trash.end.mutate({ id: snapshot.id })
  await rowGone('VolumeSnapshot', snapshot.id)
  return id
}

/** Deletes a volume for good. */
async function endVolume(id: string): Promise<void> {
  await volumeIs(id, 'available')
  await api.volumes.delete.mutate({ id })
  await api.volumes.trash.end.mutate({ id })
  await rowGone('Volume', id)
}

/** One line for each leftover; checks again until there is none or the time is over. */
async function settled(before: ReadonlySet<string>, timeoutMs: number): Promise<string[]> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const left = (await inventory()).filter((line) => !before.has(line))
    if (left.length === 0 || Date.now() > end) return left
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function inventory(): Promise<string[]> {
  const namespaces = await namespacesOf(dataPlane)
  const places = ['hosts/*/instances/*', 'hosts/*/volumes/*/*/*']
  const folders = places.flatMap((place) => fs.globSync(place, { cwd: cloud.data }))
  return [
    ...qemusOf(cloud.data).map((line) => `process ${line}`),
    ...namespaces.map((name) => `namespace ${name}`),
    ...(await linksIn(namespaces)).map((name) => `link ${name}`),
    ...folders.map((name) => `folder ${name}`),
    ...(await rowsOf(db)),
  ]
}
