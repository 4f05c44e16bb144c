import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { syncDirectory } from '../sync.ts'
import { createVolumeFiles } from '../volumes/files.ts'
import type { LocalVolumeDriver, Mirror, PoolSpec } from '../volumes/interface.ts'
import { alternatingGuestDisk } from './boot-sector.ts'
import { op, plainSpec, until } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

vi.mock('../sync.ts', async (original) => {
  const { syncDirectory } = await original<typeof import('../sync.ts')>()
  return { syncDirectory: vi.fn(syncDirectory) }
})

const mib = 1024 ** 2
/** Whether a new agent ends what moves that were cut off have left. */
let settles = true
const pool: PoolSpec = { driver: 'files', id: 'local' }
let otherPool: PoolSpec & { path: string }
let harness: QemuHarness
let volumes: LocalVolumeDriver
let dir: string
const open = () =>
  createVolumeFiles({
    dir,
    imagesDir: path.join(dir, 'images'),
    baseOf: async () => null,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
beforeEach(async () => {
  settles = true
  dir = fs.mkdtempSync('/var/tmp/strato-move-')
  fs.chmodSync(dir, 0o711)
  volumes = open()
  harness = await qemuHarness({
    volumes: {
      openVolume: (...call) => volumes.openVolume(...call),
      closeVolumes: (...call) => volumes.closeVolumes(...call),
      settleMoves: async (...call) => (settles ? volumes.settleMoves(...call) : undefined),
    },
  })
  otherPool = { driver: 'files', id: randomUUID(), path: path.join(dir, 'other'), shared: true }
  fs.mkdirSync(otherPool.path, { mode: 0o755 })
  await volumes.makePool(op, otherPool)
})
afterEach(async () => {
  await harness.destroy()
  fs.rmSync(dir, { recursive: true })
})

/** The next agent, after this one was killed: nothing of its memory is left. */
async function nextAgent(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  await harness.abandon()
  await meanwhile()
  volumes = open()
  await harness.reopen()
}

async function ask(id: string, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  await harness.abandon()
  const qmp = await connectQmp(path.join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: () => undefined,
    onClose: () => undefined,
  })
  try {
    return await qmp.execute(command, args)
  } finally {
    qmp.close()
    await harness.reopen()
  }
}

const inLocal = (...names: string[]) => path.join(dir, 'volumes/local', ...names)
const inOther = (...names: string[]) => path.join(otherPool.path, otherPool.id, ...names)
/** 8 MiB that the guest never touches, at a place in the middle. */
const pattern = Buffer.alloc(8 * mib, 'what was there before the guest began')
const patternAt = 512 * mib

/** A guest that counts on two volumes in turn, all the time, of which the first one is to move. */
async function writing({ limits, at = pool }: { limits?: { bpsTotal: number }; at?: PoolSpec } = {}) {
  const id = randomUUID()
  const keys = [at, pool].map((one) => ({ id: randomUUID(), pool: one }))
  for (const key of keys) await volumes.ensureVolume(op, { ...key, sizeGib: 1, source: null })
  const [volume, witness] = keys as [(typeof keys)[0], (typeof keys)[0]]
  const file = fs.openSync((at === pool ? inLocal : inOther)('data', volume.id, '0.raw'), 'r+')
  fs.writeSync(file, pattern, 0, pattern.length, patternAt)
  fs.closeSync(file)
  // The volume has layers, of which a snapshot needs the lower one.
  const snapshot = { id: randomUUID(), volumeId: volume.id, pool: at }
  await volumes.ensureSnapshot(op, snapshot)
  const { disks, nics } = await harness.prepare(id)
  fs.writeFileSync(disks[0]?.path ?? '', alternatingGuestDisk())
  const some = [
    { ...volume, readOnly: false, ...(limits ? { limits } : {}) },
    { ...witness, readOnly: false },
  ]
  await harness.driver.ensure(op, { ...plainSpec(id), disks, nics, volumes: some })
  await harness.booted(id)
  await count(id, keys)
  return {
    id,
    volume,
    witness,
    some,
    snapshot,
    wish: { id: volume.id, from: at, to: at === pool ? otherPool : pool, copyId: randomUUID() },
  }
}

/** Makes the firmware serve the volumes, which it does for disks from which it may start. */
async function count(id: string, keys: readonly { id: string }[]): Promise<void> {
  for (const [index, key] of keys.entries()) {
    const args = { path: `/machine/peripheral/vol-${key.id}`, property: 'bootindex', value: index + 10 }
    await ask(id, 'qom-set', args)
  }
  await ask(id, 'system_reset')
}

const numberIn = (file: string): number => {
  const sector = Buffer.alloc(512)
  const handle = fs.openSync(file, 'r')
  fs.readSync(handle, sector, 0, 512, 0)
  fs.closeSync(handle)
  return sector.readUInt32LE(0)
}
/** The file of a volume that was moved. */
const movedFile = ({ id, to }: Guest['wish']): string => {
  const folder = (to === pool ? inLocal : inOther)('data', id)
  const [name = ''] = fs.readdirSync(folder).filter((one) => one.endsWith('.raw'))
  return path.join(folder, name)
}
const witnessed = (id: string) => numberIn(inLocal('data', id, '0.raw'))
const counts = (id: string) =>
  until(async () => {
    const before = witnessed(id)
    await sleep(100)
    return witnessed(id) > before
  }, 90_000)

type Guest = Awaited<ReturnType<typeof writing>>
/** The copy has all that the guest was told is written, and what was there before. */
async function expectMoved({ id, wish, witness }: Guest): Promise<void> {
  await counts(witness.id)
  await harness.driver.stop(op, id)
  const file = movedFile(wish)
  const [moved, other] = [numberIn(file), witnessed(witness.id)]
  expect(moved).toBeGreaterThan(0)
  expect(Math.abs(moved - other)).toBeLessThanOrEqual(1)
  const handle = fs.openSync(file, 'r')
  const found = Buffer.alloc(pattern.length)
  fs.readSync(handle, found, 0, found.length, patternAt)
  fs.closeSync(handle)
  expect(found.equals(pattern)).toBe(true)
}

it('moves a volume while its guest writes all the time, and the guest goes on there', async () => {
  const guest = await writing()
  const { id, volume, wish, some, witness, snapshot } = guest
  expect(await volumes.moveInUse(op, wish)).toMatchObject({ id: volume.id, guest: id })
  expect(await volumes.moveInUse(op, wish)).toMatchObject({ id: volume.id })
  expect(await volumes.endMove(op, wish)).toBe(true)
  const nodes = (await ask(id, 'query-named-block-nodes', { flat: true })) as { file: string }[]
  expect(nodes.filter(({ file }) => file.includes(inLocal('open', id, volume.id)))).toEqual([])
  await counts(witness.id)
  // The host knows no better yet than that the volume is in its old pool; the guest starts with the copy all the same.
  await expect(volumes.removeVolume(op, volume)).rejects.toMatchObject({ code: 'conflict' })
  await expect(volumes.removeVolume(op, { id: volume.id, pool: otherPool })).rejects.toMatchObject({
    code: 'unavailable',
  })
  await harness.driver.reboot(op, id)
  await harness.booted(id)
  const now = [{ ...some[0], pool: otherPool }, some[1]] as typeof some
  await harness.driver.plug(op, id, { nics: [], volumes: now })
  expect(fs.readdirSync(inLocal('open', id)).filter((name) => name.startsWith(volume.id))).toEqual([])
  const origin = () =>
    JSON.parse(fs.readFileSync(inOther('data', volume.id, 'volume.json'), 'utf8')).movedFrom
  expect(origin()).toEqual({ ...pool, host: path.basename(dir) })
  await volumes.removeVolume(op, volume)
  expect(origin()).toBeUndefined()
  // The snapshot in the old pool keeps its layer.
  expect(fs.existsSync(inLocal('snapshots', snapshot.id))).toBe(true)
  await volumes.removeSnapshot(op, snapshot)
  const key = { id: volume.id, pool: otherPool }
  await count(id, [volume, witness])
  await volumes.growVolume(op, { ...key, sizeGib: 2 })
  await expectMoved(guest)
  await harness.driver.start(op, id)
  await volumes.ensureSnapshot(op, { id: randomUUID(), volumeId: volume.id, pool: otherPool })
  // Back again, as layers that are in use.
  const back = { id: volume.id, from: otherPool, to: pool, copyId: randomUUID() }
  await volumes.moveInUse(op, back)
  await harness.driver.plug(op, id, { nics: [], volumes: some })
  await volumes.removeVolume(op, key)
  const said = await volumes.listVolumes(op, pool)
  expect(said).toContainEqual(expect.objectContaining({ id: volume.id, sizeBytes: 2 * 1024 ** 3, guest: id }))
}, 240_000)

/** Calls moveInUse and never comes back from that moment, as if the agent had been killed there. Then the next agent begins. */
async function killedAt(
  wish: Guest['wish'],
  moment: 'held' | 'written' | 'changed',
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const stay = () => {
    reach()
    return new Promise<never>(() => undefined)
  }
  const dying = (mirror: Mirror): Mirror => ({
    ...mirror,
    async hold(its) {
      await mirror.hold(its)
      if (moment === 'held') await stay()
    },
    async change(its) {
      if (moment === 'written') await stay()
      await mirror.change(its)
      await stay()
    },
  })
  const withGuest = harness.driver.withGuest.bind(harness.driver)
  harness.driver.withGuest = (some, guest, work) =>
    withGuest(some, guest, (running) =>
      work(
        running && {
          ...running,
          mirror: async (what) => dying(await running.mirror(what)),
          mirrorOf: async (id) => {
            const known = await running.mirrorOf(id)
            return known && dying(known)
          },
        },
      ),
    )
  volumes.moveInUse(op, wish).catch(() => undefined)
  await reached
  await nextAgent(meanwhile)
}

it.each(['held', 'written', 'changed'] as const)(
  'has the volume in one pool after an agent that was killed when it had %s, and goes on',
  async (moment) => {
    const guest = await writing()
    await killedAt(guest.wish, moment)
    await counts(guest.witness.id)
    const isMoved = moment !== 'held'
    if (!isMoved) {
      expect(await volumes.endMove(op, guest.wish)).toBe(false)
      expect(fs.readdirSync(inOther('data'))).toEqual([])
      expect(fs.readdirSync(inOther('open'))).toEqual([])
      expect(fs.readdirSync(inOther('owners'))).toEqual([])
    } else expect(await volumes.endMove(op, guest.wish)).toBe(true)
    await volumes.moveInUse(op, guest.wish)
    await expectMoved(guest)
    await harness.driver.start(op, guest.id)
    await count(guest.id, [guest.volume, guest.witness])
    await expectMoved(guest)
  },
  240_000,
)

it.each(['held', 'written', 'changed'] as const)(
  'loses nothing when QEMU and the agent are killed when the volume was %s',
  async (moment) => {
    const guest = await writing()
    const { id, wish, volume, witness } = guest
    await killedAt(wish, moment, () => harness.crash(id))
    await harness.driver.stop(op, id)
    await harness.driver.start(op, id)
    await count(id, [volume, witness])
    await counts(witness.id)
    if (moment === 'held') expect(await volumes.endMove(op, wish)).toBe(false)
    await volumes.moveInUse(op, wish)
    await expectMoved(guest)
  },
  240_000,
)

it('tells its progress, can be ended, and keeps the volume in its pool when the guest dies before the end', async () => {
  const guest = await writing({ limits: { bpsTotal: 4 * mib } })
  const { id, volume, witness, wish } = guest
  const said: string[] = []
  const telling = { ...op, progress: (text: string) => void said.push(text) }
  const nothingThere = () => {
    for (const name of ['data', 'open', 'owners']) expect(fs.readdirSync(inOther(name))).toEqual([])
  }
  const copying = () => until(async () => said.some((text) => /^\d+ % copied$/.test(text)), 60_000)
  const ended = expect(volumes.moveInUse(telling, wish)).rejects.toMatchObject({ code: 'failed' })
  await copying()
  // A document of the guest that comes meanwhile takes nothing away.
  await harness.driver.plug(op, id, { nics: [], volumes: guest.some })
  expect(fs.readdirSync(inOther('open'))).toHaveLength(1)
  expect(await volumes.mergeLayers(op, volume)).toMatchObject({ id: volume.id })
  expect(await volumes.listVolumes(op, otherPool)).toMatchObject([{ id: volume.id }])
  expect(await volumes.endMove(op, wish)).toBe(false)
  await ended
  nothingThere()
  await counts(witness.id)

  // An agent that was killed is asked again, and finds the copy as far as it has come.
  said.length = 0
  const cut = new AbortController()
  const first = expect(volumes.moveInUse({ ...telling, signal: cut.signal }, wish)).rejects.toMatchObject({
    code: 'unavailable',
  })
  await copying()
  cut.abort()
  await first
  await nextAgent()
  const files = fs.readdirSync(inOther('data', `${volume.id}.moving`))
  said.length = 0
  const lost = volumes.moveInUse(telling, wish).catch((error: unknown) => error)
  await copying()
  expect(fs.readdirSync(inOther('data', `${volume.id}.moving`))).toEqual(files)
  await harness.crash(id)
  expect(await lost).toMatchObject({ code: expect.stringMatching(/unavailable|failed|conflict/) })
  await expect(volumes.moveInUse(telling, wish)).rejects.toMatchObject({ code: 'conflict' })
  nothingThere()
  await volumes.removeVolume(op, { id: volume.id, pool: otherPool })
  await harness.driver.stop(op, id)
  await harness.driver.start(op, id)
  await count(id, [volume, witness])
  await counts(witness.id)
}, 240_000)

it.each(['moveInUse', 'endMove', 'ensureSnapshot', 'growVolume'] as const)(
  'lets no call throw the guest back when a move has decided and was not settled: %s',
  async (call) => {
    const guest = await writing()
    settles = false
    await killedAt(guest.wish, 'written')
    const snapshot = { id: randomUUID(), volumeId: guest.volume.id, pool }
    const gone = { code: 'not_found' }
    if (call === 'moveInUse') await volumes.moveInUse(op, guest.wish)
    if (call === 'endMove') expect(await volumes.endMove(op, guest.wish)).toBe(true)
    if (call === 'ensureSnapshot')
      await expect(volumes.ensureSnapshot(op, snapshot)).rejects.toMatchObject(gone)
    if (call === 'growVolume')
      await expect(volumes.growVolume(op, { ...guest.volume, sizeGib: 2 })).rejects.toMatchObject(gone)
    await counts(guest.witness.id)
    await volumes.moveInUse(op, guest.wish)
    await expectMoved(guest)
  },
  240_000,
)

it('gives the guest its disk back when nothing was decided and a snapshot comes before the settling', async () => {
  const guest = await writing()
  settles = false
  await killedAt(guest.wish, 'held')
  await volumes.ensureSnapshot(op, { id: randomUUID(), volumeId: guest.volume.id, pool })
  await counts(guest.witness.id)
  await volumes.moveInUse(op, guest.wish)
  await expectMoved(guest)
}, 240_000)

it('believes no manifest to be missing while the old pool is not mounted, and settles the move when it is', async () => {
  const guest = await writing({ at: otherPool })
  const root = inOther()
  await killedAt(guest.wish, 'written', async () => fs.renameSync(root, `${root}.away`))
  const unavailable = { code: 'unavailable' }
  await expect(volumes.endMove(op, guest.wish)).rejects.toMatchObject(unavailable)
  await expect(volumes.moveInUse(op, guest.wish)).rejects.toMatchObject(unavailable)
  const jobs = await ask(guest.id, 'query-jobs')
  expect(jobs).toMatchObject([{ status: 'pending' }])
  fs.renameSync(`${root}.away`, root)
  // The agent tries again by itself.
  await counts(guest.witness.id)
  expect(await volumes.endMove(op, guest.wish)).toBe(true)
  await expectMoved(guest)
}, 240_000)

it('goes by the manifest when it was written and the writing failed, and goes on as before when it was not', async () => {
  const guest = await writing()
  const { volume, wish, witness } = guest
  const draft = inLocal('data', volume.id, 'volume.json.tmp')
  fs.mkdirSync(draft)
  await expect(volumes.moveInUse(op, wish)).rejects.toMatchObject({ code: 'EISDIR' })
  fs.rmdirSync(draft)
  await counts(witness.id)
  expect(await volumes.endMove(op, wish)).toBe(false)

  const { syncDirectory: sync } = await vi.importActual<typeof import('../sync.ts')>('../sync.ts')
  let failures = 0
  vi.mocked(syncDirectory).mockImplementation(async (folder) => {
    if (folder !== inLocal('data', volume.id) || failures++ > 0) return sync(folder)
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  })
  await volumes.moveInUse(op, wish)
  expect(failures).toBeGreaterThan(0)
  expect(await volumes.endMove(op, wish)).toBe(true)
  await expectMoved(guest)
}, 240_000)
