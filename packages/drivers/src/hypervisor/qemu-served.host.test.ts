import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { startCeph, type TestCeph } from '../volumes/ceph.testing.ts'
import { createRbdVolumes, type RbdVolumes } from '../volumes/rbd.ts'
import { runtimeOf } from '../volumes/rbd-open.ts'
import { withoutKey } from '../volumes/rbd-pools.ts'
import { allServers } from '../volumes/volume-server.ts'
import { alternatingGuestDisk, testGuestDisk } from './boot-sector.ts'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

/** Real guests with volumes in a real Ceph cluster, by the servers of volumes. */
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const serverUid = uids.probe
const netns = `strato-vol-${process.pid}`
// On a busy machine the dozens of programs of Ceph that each of these tests runs take minutes.
vi.setConfig({ testTimeout: 600_000 })
let ceph: TestCeph
let harness: QemuHarness
let volumes: RbdVolumes
let dir: string
let image: string
beforeAll(async () => {
  ceph = await startCeph()
  // Guests run in a network namespace from which no way leads to the cluster.
  execFileSync('ip', ['netns', 'add', netns])
})
afterAll(() => {
  ceph?.stop()
  execFileSync('ip', ['netns', 'delete', netns])
})
beforeEach(async () => {
  dir = fs.mkdtempSync('/var/tmp/strato-vol-')
  fs.chmodSync(dir, 0o711)
  image = path.join(dir, 'image.raw')
  volumes = createRbdVolumes({
    ...{
      dir,
      host: 'one',
      serverUid,
      watchMs: 200,
      imagesDir: path.join(dir, 'images'),
      log: pino({ level: 'silent' }),
    },
    baseOf: async () => image,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
  harness = await qemuHarness({ volumes, netns })
})
afterEach(async () => {
  await harness.destroy()
  await volumes.close()
  for (const pid of await pidsOfServers()) process.kill(pid, 'SIGKILL')
  fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
  fs.rmSync(dir, { recursive: true })
})

const gib = 1024 ** 3
async function aVolume() {
  const key = { id: randomUUID(), pool: ceph.pool }
  await volumes.ensureVolume(op, { ...key, sizeGib: 1, source: null })
  return { id: key.id, pool: withoutKey(ceph.pool), readOnly: false }
}

/** Asks the QEMU of a guest directly, while no driver is connected to it. */
async function ask(id: string, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  await harness.abandon()
  const qmp = await connectQmp(path.join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: () => undefined,
    onClose: () => undefined,
  })
  try {
    // QEMU waits up to 16 s between two attempts to connect to a server, which takes its time on a busy machine.
    return await qmp.execute(command, args, 90_000)
  } finally {
    qmp.close()
    await harness.reopen()
  }
}
type Inserted = { ro: boolean; image: { 'virtual-size': number } }
const disksOf = async (id: string) =>
  ((await ask(id, 'query-block')) as { qdev: string; inserted: Inserted }[])
    .filter(({ qdev }) => qdev.includes('vol-'))
    .map(
      ({ qdev, inserted }) =>
        `${/vol-([0-9a-f-]{36})/.exec(qdev)?.[1]} ${inserted.ro ? 'ro' : 'rw'} ${inserted.image['virtual-size'] / gib}`,
    )
/** Makes the guest's QEMU read. What it says comes in its log, so this shows only that the read ends. */
const readAsGuest = async (id: string, volume: { id: string }) => {
  const line = `qemu-io v${volume.id.replaceAll('-', '').slice(0, 24)} "read 0 4096"`
  expect(await ask(id, 'human-monitor-command', { 'command-line': line })).toBe('')
}
/** Reads or writes by the server of the volume, because QEMU lets nobody but the guest's device write. */
function io(guest: string, volume: { id: string }, command: string): string {
  const socket = path.join(runtimeOf(dir), guest, volume.id.replaceAll('-', '').slice(0, 24), 's')
  const node = { driver: 'nbd', export: 'volume', server: { type: 'unix', path: socket } }
  return execFileSync('qemu-io', ['-c', command, `json:${JSON.stringify(node)}`], { encoding: 'utf8' })
}
const done = /^(wrote|read) 4096\/4096/
const pidsOfServers = async () =>
  [...(await allServers())].flatMap(([at, pid]) => (at.startsWith(runtimeOf(dir)) ? [pid] : []))

it('gives a running guest a volume in Ceph, makes it larger and takes it back, and nothing is left', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  for (let n = 0; n < 2; n += 1)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [volume] })).toEqual([])
  expect(await disksOf(id)).toEqual([`${volume.id} rw 1`])
  expect(io(id, volume, 'write -P 1 0 4096')).toMatch(done)
  for (let n = 0; n < 2; n += 1)
    expect(await volumes.growVolume(op, { ...volume, sizeGib: 2 })).toMatchObject({ sizeBytes: 2 * gib })
  expect(await disksOf(id)).toEqual([`${volume.id} rw 2`])
  expect(io(id, volume, `write -P 2 ${2 * gib - 4096} 4096`)).toMatch(done)
  // A snapshot of the running guest's volume has what the guest has written.
  const snapshot = { id: randomUUID(), volumeId: volume.id, pool: ceph.pool }
  expect(await volumes.ensureSnapshot(op, snapshot)).toMatchObject({ sizeBytes: 2 * gib, quiesced: false })
  expect(io(id, volume, 'write -P 3 0 4096')).toMatch(done)
  await expect(volumes.removeVolume(op, volume)).rejects.toMatchObject({ code: 'conflict' })
  await harness.driver.stop(op, id)
  await harness.driver.plug(op, id, { nics: [], volumes: [] })
  expect(await pidsOfServers()).toEqual([])
  await volumes.revertVolume(op, { id: volume.id, pool: ceph.pool, snapshotId: snapshot.id })
  await harness.driver.plug(op, id, { nics: [], volumes: [volume] })
  await harness.driver.start(op, id)
  expect(io(id, volume, 'read -P 1 0 4096')).toMatch(done)
  expect(io(id, volume, `read -P 2 ${2 * gib - 4096} 4096`)).toMatch(done)
  expect(await disksOf(id)).toEqual([`${volume.id} rw 2`])
  await harness.driver.remove(op, id)
  await volumes.removeSnapshot(op, snapshot)
  await volumes.removeVolume(op, volume)
  expect(ceph.rbd('ls', 'volumes')).toBe('')
  expect(await pidsOfServers()).toEqual([])
})

it('starts a guest from a volume in Ceph, which goes on when its server is killed', async () => {
  const id = randomUUID()
  fs.writeFileSync(image, testGuestDisk())
  const base = { blobId: 'ab'.repeat(32), format: 'raw' as const, maxVirtualBytes: gib }
  const root = { id: randomUUID(), pool: withoutKey(ceph.pool), readOnly: false, boot: true as const }
  await volumes.probePool(op, ceph.pool)
  const wish = { ...root, sizeGib: 1, source: { kind: 'image' as const, base } }
  // On a busy machine the image takes longer to come into Ceph than a call waits.
  await expect.poll(() => volumes.ensureVolume(op, wish), { timeout: 60_000 }).not.toBeNull()
  const read = { ...(await aVolume()), readOnly: true }
  await harness.driver.ensure(op, { ...plainSpec(id), volumes: [root, read] })
  await harness.booted(id)
  expect(await disksOf(id)).toEqual([`${root.id} rw 1`, `${read.id} ro 1`])
  expect(io(id, read, 'write -P 1 0 4096')).toMatch(done)
  const before = await pidsOfServers()
  expect(before.length).toBe(2)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  for (const volume of [root, read]) await readAsGuest(id, volume)
  expect((await pidsOfServers()).filter((pid) => before.includes(pid))).toEqual([])
  expect(io(id, read, 'read -P 1 0 4096')).toMatch(done)
  await harness.driver.reboot(op, id)
  await harness.booted(id)
  const pid = await harness.pidOf(id)
  expect(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(ceph.pool.key)
  await harness.driver.remove(op, id)
  // Ceph misses a server that was killed, and had only read, after a while.
  const removes = () =>
    Promise.all([root, read].map((volume) => volumes.removeVolume(op, volume))).then(
      () => 'removed',
      (error: { code?: string }) => error.code,
    )
  await expect.poll(removes, { timeout: 90_000, interval: 1_000 }).toBe('removed')
  expect(ceph.rbd('ls', 'volumes')).toBe('')
})

it('keeps all volumes of a running guest at one instant, and the guest goes on', async () => {
  const id = randomUUID()
  const some = [await aVolume(), await aVolume()]
  const { disks, nics } = await harness.prepare(id)
  fs.writeFileSync(disks[0]?.path ?? '', alternatingGuestDisk())
  await harness.driver.ensure(op, { ...plainSpec(id), disks, nics, volumes: some })
  await harness.booted(id)
  // The firmware serves no disk from which it is not to start.
  for (const [index, volume] of some.entries()) {
    const path = `/machine/peripheral/vol-${volume.id}`
    await ask(id, 'qom-set', { path, property: 'bootindex', value: index + 10 })
  }
  await ask(id, 'system_reset')
  const counterOf = (snapshot: { id: string; volumeId: string }): number => {
    const file = path.join(dir, 'content')
    const name = `volumes/volume-${snapshot.volumeId}@snapshot-${snapshot.id}-unquiesced`
    ceph.rbd('export', '--no-progress', name, file)
    const counter = Buffer.alloc(4)
    const opened = fs.openSync(file, 'r')
    fs.readSync(opened, counter, 0, 4, 0)
    fs.closeSync(opened)
    fs.rmSync(file)
    return counter.readUInt32LE(0)
  }
  const seen = new Set<number>()
  for (let n = 0; n < 20 && seen.size < 3; n += 1) {
    const snapshots = some.map((volume) => ({ id: randomUUID(), volumeId: volume.id }))
    const wish = { pool: ceph.pool, snapshots }
    const made = await volumes.ensureSnapshots(op, wish)
    for (const one of made) expect(one).toMatchObject({ guest: id, quiesced: false })
    expect(await volumes.ensureSnapshots(op, wish)).toEqual(made)
    const [one = 0, two = 0] = snapshots.map(counterOf)
    expect(Math.abs(one - two), `the snapshots of round ${n}`).toBeLessThanOrEqual(1)
    seen.add(one)
    for (const snapshot of snapshots) await volumes.removeSnapshot(op, { id: snapshot.id, pool: ceph.pool })
  }
  expect(seen.size, 'the guest writes while snapshots are taken').toBe(3)
  await harness.driver.remove(op, id)
  for (const volume of some) await volumes.removeVolume(op, { id: volume.id, pool: ceph.pool })
})
