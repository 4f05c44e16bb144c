import { randomBytes, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVolumeFiles } from '../volumes/files.ts'
import type { LocalVolumeDriver, Mirror, PoolSpec } from '../volumes/interface.ts'
import { keysFolder } from '../volumes/keys.ts'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

/** Encrypted volumes that move while their guests run, with a real QEMU. */

const pool: PoolSpec = { driver: 'files', id: 'local' }
const mib = 1024 ** 2
let otherPool: PoolSpec & { path: string }
let harness: QemuHarness
let volumes: LocalVolumeDriver
let dir: string
let keysDir: string
const openVolumes = () =>
  createVolumeFiles({
    ...{ dir, keysDir, imagesDir: path.join(dir, 'images') },
    baseOf: async () => null,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
beforeEach(async () => {
  dir = fs.mkdtempSync('/var/tmp/strato-luks-move-')
  fs.chmodSync(dir, 0o711)
  keysDir = keysFolder('test', randomUUID())
  volumes = openVolumes()
  harness = await qemuHarness({
    volumes: {
      openVolume: (...call) => volumes.openVolume(...call),
      closeVolumes: (...call) => volumes.closeVolumes(...call),
      settleMoves: (...call) => volumes.settleMoves(...call),
    },
  })
  otherPool = { driver: 'files', id: randomUUID(), path: path.join(dir, 'other') }
  fs.mkdirSync(otherPool.path, { mode: 0o755 })
  await volumes.makePool(op, otherPool)
})
afterEach(async () => {
  await harness.destroy()
  for (const folder of [dir, keysDir]) fs.rmSync(folder, { recursive: true, force: true })
})

async function ask(id: string, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  await harness.abandon()
  const qmp = await connectQmp(path.join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: () => undefined,
    onClose: () => undefined,
  })
  try {
    return await qmp.execute(command, args, 60_000)
  } finally {
    qmp.close()
    await harness.reopen()
  }
}
const nodeOf = (id: string) => `v${id.replaceAll('-', '').slice(0, 24)}`
/** Writes or reads as the guest would. */
const io = async (id: string, volume: { id: string }, command: string) =>
  String(
    await ask(id, 'human-monitor-command', { 'command-line': `qemu-io ${nodeOf(volume.id)} "${command}"` }),
  )
const nodesOf = async (id: string, volume: { id: string }) =>
  ((await ask(id, 'query-named-block-nodes', { flat: true })) as { 'node-name': string }[])
    .map((node) => node['node-name'])
    .filter((name) => name.startsWith(nodeOf(volume.id)) && !/\d+f$/.test(name))
    .map((name) => name.slice(nodeOf(volume.id).length))
    .toSorted()

const folderOf = (at: PoolSpec, { id }: { id: string }) =>
  at === pool ? path.join(dir, 'volumes/local/data', id) : path.join(otherPool.path, otherPool.id, 'data', id)
const filesOf = (at: PoolSpec, volume: { id: string }) =>
  fs
    .readdirSync(folderOf(at, volume))
    .filter((name) => /^\d+\./.test(name))
    .map((name) => path.join(folderOf(at, volume), name))
const takenIn = (at: PoolSpec, volume: { id: string }) =>
  filesOf(at, volume).reduce((sum, file) => sum + fs.statSync(file).blocks * 512, 0)
/** Whether a run of that byte, which the guest has written, is in a file of the volume. */
const isPlainIn = (at: PoolSpec, volume: { id: string }, byte: number) =>
  filesOf(at, volume).some((file) => {
    const handle = fs.openSync(file, 'r')
    const bytes = Buffer.alloc(16 * mib)
    fs.readSync(handle, bytes)
    fs.closeSync(handle)
    return bytes.includes(Buffer.alloc(64, byte))
  })
const readsWell = async (id: string, volume: { id: string }, byte: number, at: string) =>
  expect(await io(id, volume, `read -P ${byte} ${at} 1M`)).not.toMatch(/verification failed|error/i)

it('moves an encrypted volume while its guest runs, without what was never written, and back again', async () => {
  const id = randomUUID()
  const key = randomBytes(32).toString('base64')
  const volume = { id: randomUUID(), pool }
  const encryption = { key, keyBits: 512 as const }
  while (!(await volumes.ensureVolume(op, { ...volume, sizeGib: 1, source: null, encryption })));
  const attached = (at: PoolSpec) => [{ id: volume.id, pool: at, readOnly: false, encrypted: true as const }]
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  await volumes.giveKeys(op, { keys: [{ id: volume.id, key }] })
  await harness.driver.plug(op, id, { nics: [], volumes: attached(pool) })
  await io(id, volume, 'write -P 0xa0 1M 1M')
  // The volume has layers, of which a snapshot needs the lower one.
  const snapshot = { id: randomUUID(), volumeId: volume.id, pool }
  await volumes.ensureSnapshot(op, snapshot)
  await io(id, volume, 'write -P 0xa1 600M 1M')

  const wish = { id: volume.id, from: pool, to: otherPool, copyId: randomUUID() }
  expect(await volumes.moveInUse(op, wish)).toMatchObject({ id: volume.id, guest: id, sizeBytes: 1024 * mib })
  expect(await volumes.endMove(op, wish)).toBe(true)
  expect(await nodesOf(id, volume)).toEqual(['', '-2', '-l2'])
  expect(takenIn(otherPool, volume)).toBeLessThan(16 * mib)
  await io(id, volume, 'write -P 0xa2 2M 1M')
  for (const byte of [0xa0, 0xa1, 0xa2]) expect(isPlainIn(otherPool, volume, byte)).toBe(false)
  // An agent of before encryption opens nothing as if it were plain.
  const manifest = JSON.parse(fs.readFileSync(path.join(folderOf(otherPool, volume), 'volume.json'), 'utf8'))
  expect(manifest.layers).toBeUndefined()

  // The guest's document names the new pool: the key stays with the guest, which starts by it.
  await harness.driver.plug(op, id, { nics: [], volumes: attached(otherPool) })
  await volumes.removeSnapshot(op, snapshot)
  await volumes.removeVolume(op, volume)
  await harness.driver.stop(op, id)
  await harness.driver.start(op, id)
  await harness.booted(id)
  const readsAll = async () => {
    for (const [byte, at] of [
      [0xa0, '1M'],
      [0xa1, '600M'],
      [0xa2, '2M'],
    ] as const)
      await readsWell(id, volume, byte, at)
  }
  await readsAll()

  // What comes after a move is as before it: layers, growth, and the next move.
  const later = { id: randomUUID(), volumeId: volume.id, pool: otherPool }
  await volumes.ensureSnapshot(op, later)
  await volumes.growVolume(op, { id: volume.id, pool: otherPool, sizeGib: 2 })
  await io(id, volume, 'write -P 0xa3 1500M 1M')
  const back = { id: volume.id, from: otherPool, to: pool, copyId: randomUUID() }
  await volumes.moveInUse(op, back)
  expect(takenIn(pool, volume)).toBeLessThan(20 * mib)
  await readsAll()
  await readsWell(id, volume, 0xa3, '1500M')
  await harness.driver.plug(op, id, { nics: [], volumes: attached(pool) })
  await volumes.removeSnapshot(op, later)
  await volumes.removeVolume(op, { id: volume.id, pool: otherPool })
  await harness.driver.stop(op, id)
  await harness.driver.plug(op, id, { nics: [], volumes: [] })
  expect(fs.readdirSync(path.join(keysDir, 'keys'))).toEqual([])
}, 300_000)

it('leaves an encrypted volume in its pool, and nothing in the other one, when its move is ended', async () => {
  const id = randomUUID()
  const key = randomBytes(32).toString('base64')
  const volume = { id: randomUUID(), pool }
  const encryption = { key, keyBits: 256 as const }
  while (!(await volumes.ensureVolume(op, { ...volume, sizeGib: 1, source: null, encryption })));
  await volumes.giveKeys(op, { keys: [{ id: volume.id, key }] })
  const some = [{ ...volume, readOnly: false, encrypted: true as const, limits: { bpsTotal: 4 * mib } }]
  const { disks, nics } = await harness.prepare(id)
  await harness.driver.ensure(op, { ...plainSpec(id), disks, nics, volumes: some })
  await harness.booted(id)
  await io(id, volume, 'write -P 0xa0 1M 1M')
  const wish = { id: volume.id, from: pool, to: otherPool, copyId: randomUUID() }
  const said: string[] = []
  const telling = { ...op, progress: (text: string) => void said.push(text) }
  const ended = expect(volumes.moveInUse(telling, wish)).rejects.toMatchObject({ code: 'failed' })
  await expect.poll(() => said.some((text) => /^\d+ % copied$/.test(text)), { timeout: 60_000 }).toBe(true)
  expect(await volumes.endMove(op, wish)).toBe(false)
  await ended
  expect(fs.readdirSync(path.join(otherPool.path, otherPool.id, 'data'))).toEqual([])
  expect(await nodesOf(id, volume)).toEqual(['', '-0', '-luks'])
  await readsWell(id, volume, 0xa0, '1M')
}, 240_000)

it.each(['written', 'changed'] as const)(
  'loses nothing of an encrypted volume when QEMU and the agent are killed when its move was %s',
  async (moment) => {
    const id = randomUUID()
    const key = randomBytes(32).toString('base64')
    const volume = { id: randomUUID(), pool }
    const encryption = { key, keyBits: 512 as const }
    while (!(await volumes.ensureVolume(op, { ...volume, sizeGib: 1, source: null, encryption })));
    await volumes.giveKeys(op, { keys: [{ id: volume.id, key }] })
    const some = [{ ...volume, readOnly: false, encrypted: true as const }]
    const { disks, nics } = await harness.prepare(id)
    await harness.driver.ensure(op, { ...plainSpec(id), disks, nics, volumes: some })
    await harness.booted(id)
    await io(id, volume, 'write -P 0xa0 1M 1M')
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    const dying = (mirror: Mirror): Mirror => ({
      ...mirror,
      async change(its) {
        if (moment === 'changed') await mirror.change(its)
        reach()
        await new Promise<never>(() => undefined)
      },
    })
    const withGuest = harness.driver.withGuest.bind(harness.driver)
    harness.driver.withGuest = (its, guest, work) =>
      withGuest(its, guest, (running) =>
        work(
          running && {
            ...running,
            mirror: async (what) => dying(await running.mirror(what)),
            async mirrorOf(what) {
              const known = await running.mirrorOf(what)
              return known && dying(known)
            },
          },
        ),
      )
    const wish = { id: volume.id, from: pool, to: otherPool, copyId: randomUUID() }
    volumes.moveInUse(op, wish).catch(() => undefined)
    await reached
    await harness.abandon()
    await harness.crash(id)
    volumes = openVolumes()
    await harness.reopen()
    await harness.driver.stop(op, id)
    await harness.driver.start(op, id)
    await harness.booted(id)
    await readsWell(id, volume, 0xa0, '1M')
    expect(await volumes.endMove(op, wish)).toBe(true)
    expect(fs.readdirSync(path.join(otherPool.path, otherPool.id, 'data'))).toEqual([volume.id])
    expect(takenIn(otherPool, volume)).toBeLessThan(16 * mib)
  },
  240_000,
)
