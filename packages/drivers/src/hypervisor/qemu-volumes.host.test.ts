import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { createVolumeFiles } from '../volumes/files.ts'
import type { LocalVolumeDriver } from '../volumes/interface.ts'
import { alternatingGuestDisk, testGuestDisk } from './boot-sector.ts'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

const pool = { driver: 'files' as const, id: 'local' }
let harness: QemuHarness
let volumes: LocalVolumeDriver
let dir: string
beforeEach(async () => {
  dir = fs.mkdtempSync('/var/tmp/strato-vol-')
  fs.chmodSync(dir, 0o711)
  volumes = createVolumeFiles({
    dir,
    imagesDir: path.join(dir, 'images'),
    baseOf: async () => null,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
  harness = await qemuHarness({ volumes })
})
afterEach(async () => {
  await harness.destroy()
  fs.rmSync(dir, { recursive: true })
})

async function aVolume() {
  const key = { id: randomUUID(), pool }
  await volumes.ensureVolume(op, { ...key, sizeGib: 1, source: null })
  return { ...key, readOnly: false }
}

/** Asks the QEMU of a guest directly, while no driver is connected to it. */
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
const disksOf = async (id: string) =>
  ((await ask(id, 'query-block')) as { qdev: string; inserted: { ro: boolean } }[])
    .filter(({ qdev }) => qdev.includes('vol-'))
    .map(({ qdev, inserted }) => `${/vol-([0-9a-f-]{36})/.exec(qdev)?.[1]} ${inserted.ro ? 'ro' : 'rw'}`)

it('gives a running guest a volume, takes it back, and then nobody but root can open its file', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  for (let n = 0; n < 2; n += 1)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [volume] })).toEqual([])
  expect(await disksOf(id)).toEqual([`${volume.id} rw`])
  await expect(volumes.removeVolume(op, volume)).rejects.toMatchObject({ code: 'conflict' })
  const link = path.join(dir, 'volumes/local/open', id, `${volume.id}-0.raw`)
  expect(fs.statSync(link).uid).toBeGreaterThan(0)

  // The boot sector does not answer the request to release a device; a guest that is stopped has released everything.
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([volume.id])
  expect((await harness.driver.specOf(id))?.volumes).toEqual([volume])
  await harness.driver.stop(op, id)
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([])
  expect(fs.existsSync(link)).toBe(false)
  expect(fs.statSync(path.join(dir, 'volumes/local/data', volume.id, '0.raw')).uid).toBe(0)
  await volumes.removeVolume(op, volume)
})

it('makes the volume of a running guest larger, which the guest sees at once, and that of a stopped one', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  const sizeOf = async () =>
    (
      (await ask(id, 'query-block')) as { qdev: string; inserted: { image: { 'virtual-size': number } } }[]
    ).find(({ qdev }) => qdev.includes(volume.id))?.inserted.image['virtual-size']
  const grown = (sizeGib: number) => volumes.growVolume(op, { id: volume.id, pool, sizeGib })
  for (let n = 0; n < 2; n += 1) expect(await grown(3)).toMatchObject({ sizeBytes: 3 * 1024 ** 3 })
  expect(await sizeOf()).toBe(3 * 1024 ** 3)
  await harness.driver.stop(op, id)
  expect(await grown(4)).toMatchObject({ sizeBytes: 4 * 1024 ** 3 })
  await harness.driver.start(op, id)
  expect(await sizeOf()).toBe(4 * 1024 ** 3)
})

it('starts a guest with its volumes, also read-only ones and as many as a guest may have', async () => {
  const id = randomUUID()
  const some = await Promise.all(Array.from({ length: 25 }, aVolume))
  const wanted = some.map((volume, index) => ({ ...volume, readOnly: index === 24 }))
  const spec = { ...plainSpec(id), ...(await harness.prepare(id)), volumes: wanted }
  await harness.driver.ensure(op, spec)
  await harness.booted(id)
  expect(await disksOf(id)).toEqual(wanted.map((volume) => `${volume.id} ${volume.readOnly ? 'ro' : 'rw'}`))
  const one = await aVolume()
  await expect(harness.driver.plug(op, id, { nics: [], volumes: [...wanted, one] })).rejects.toMatchObject({
    code: 'invalid',
  })
  await harness.driver.remove(op, id)
  expect(fs.readdirSync(path.join(dir, 'volumes/local/open'))).toEqual([])
})

it('lets the guest of one project open no volume of another guest', async () => {
  const [a, b] = [randomUUID(), randomUUID()]
  const volume = await aVolume()
  for (const id of [a, b])
    await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.driver.plug(op, a, { nics: [], volumes: [volume] })
  const link = path.join(dir, 'volumes/local/open', a, `${volume.id}-0.raw`)
  const uidOf = async (id: string) => fs.statSync(`/proc/${await harness.pidOf(id)}`).uid
  const opens = (uid: number) => {
    const who = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--bounding-set=-all']
    try {
      execFileSync('setpriv', [...who, 'head', '-c', '1', link], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  expect(opens(await uidOf(a))).toBe(true)
  expect(opens(await uidOf(b))).toBe(false)
})

it('starts a guest from a volume, also after a restart of the agent and beside other volumes', async () => {
  const id = randomUUID()
  const [root, data] = [await aVolume(), await aVolume()]
  fs.writeFileSync(path.join(dir, 'volumes/local/data', root.id, '0.raw'), testGuestDisk(), { flag: 'r+' })
  const spec = { ...plainSpec(id), volumes: [data, { ...root, boot: true as const }] }
  await harness.driver.ensure(op, spec)
  await harness.booted(id)
  await harness.abandon()
  await harness.reopen()
  await harness.driver.reboot(op, id)
  await harness.booted(id)
  expect(await disksOf(id)).toEqual([`${data.id} rw`, `${root.id} rw`])
  await harness.driver.stop(op, id)
  await harness.driver.start(op, id)
  await harness.booted(id)
  const both = { ...spec, ...(await harness.prepare(id)) }
  await expect(harness.driver.ensure(op, both)).rejects.toMatchObject({ code: 'invalid' })
})

it('starts no guest whose volume is gone, and leaves nothing of the guest', async () => {
  const id = randomUUID()
  const volume = { id: randomUUID(), pool, readOnly: false }
  const spec = { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] }
  await expect(harness.driver.ensure(op, spec)).rejects.toMatchObject({ code: 'not_found' })
  expect(await harness.leftovers(id)).toEqual([])
})

it('plugs a volume that an agent has half plugged before it was killed', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  const uid = fs.statSync(`/proc/${await harness.pidOf(id)}`).uid
  const opened = await volumes.openVolume(op, volume, { id, uid })
  const filename = 'layers' in opened ? opened.layers[0]?.path : undefined
  const node = `v${volume.id.replaceAll('-', '').slice(0, 24)}`
  await ask(id, 'object-add', { 'qom-type': 'throttle-group', id: `limits-${volume.id}` })
  await ask(id, 'blockdev-add', {
    ...{ driver: 'throttle', 'node-name': node, 'throttle-group': `limits-${volume.id}` },
    file: { driver: 'raw', file: { driver: 'file', filename } },
  })
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [volume] })).toEqual([])
  expect(await disksOf(id)).toEqual([`${volume.id} rw`])
})

it('starts a guest and makes its volume larger at the same time, and neither waits for the other for ever', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  for (let sizeGib = 2; sizeGib < 14; sizeGib += 1) {
    const [, grown] = await Promise.all([
      sizeGib % 2
        ? harness.driver.reboot(op, id)
        : harness.driver.plug(op, id, { nics: [], volumes: [volume] }),
      volumes.growVolume(op, { id: volume.id, pool, sizeGib }),
    ])
    expect(grown.sizeBytes).toBe(sizeGib * 1024 ** 3)
  }
}, 60_000)

it('plugs what is possible, tells the first failure, and forgets no volume of a plug that has failed', async () => {
  const id = randomUUID()
  const [one, two] = [await aVolume(), await aVolume()]
  const missing = { id: randomUUID(), pool, readOnly: false }
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  const wanted = { nics: [], volumes: [one, missing, two] }
  await expect(harness.driver.plug(op, id, wanted)).rejects.toMatchObject({ code: 'not_found' })
  expect(await disksOf(id)).toEqual([`${one.id} rw`, `${two.id} rw`])
  expect((await harness.driver.specOf(id))?.volumes).toEqual([one, two])
  expect((await harness.driver.plug(op, id, { nics: [], volumes: [] })).sort()).toEqual(
    [one.id, two.id].sort(),
  )
  await harness.driver.stop(op, id)
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([])
  expect(fs.readdirSync(path.join(dir, 'volumes/local/open'))).toEqual([])
})

it('names in its record each volume that may be in the guest when the agent is killed while it plugs', async () => {
  const id = randomUUID()
  const [one, two] = [await aVolume(), await aVolume()]
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [one] })
  await harness.booted(id)
  const open = volumes.openVolume
  const recorded: unknown[] = []
  volumes.openVolume = async (...args) => {
    recorded.push((await harness.driver.specOf(id))?.volumes.map((volume) => volume.id))
    return open(...args)
  }
  await harness.driver.plug(op, id, { nics: [], volumes: [two] })
  expect(recorded).toEqual([[two.id, one.id]])
})

it('takes the volumes also from a guest that it does not know', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await volumes.openVolume(op, volume, { id, uid: 64_123 })
  await harness.driver.remove(op, id)
  await volumes.removeVolume(op, volume)
})

it('gives no volume to a running guest that has no user of its own', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  const record = path.join(harness.dir, 'instances', id, 'uid')
  const own = fs.readFileSync(record, 'utf8')
  fs.rmSync(record)
  await expect(harness.driver.plug(op, id, { nics: [], volumes: [volume] })).rejects.toMatchObject({
    code: 'conflict',
  })
  expect((await harness.driver.specOf(id))?.volumes).toEqual([])
  // The user is freed with the guest.
  fs.writeFileSync(record, own)
})

/** The files of a volume that QEMU has open, the last layer first, and whether QEMU could write them. */
async function filesOf(id: string, volume: { id: string }): Promise<string[]> {
  const process = `/proc/${await harness.pidOf(id)}`
  const open = fs.readdirSync(`${process}/fd`).flatMap((fd) => {
    const name = path.basename(fs.readlinkSync(`${process}/fd/${fd}`))
    if (!name.startsWith(volume.id)) return []
    const flags = /^flags:\s*(\d+)/m.exec(fs.readFileSync(`${process}/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
    const isWritable = (Number.parseInt(flags, 8) & 3) !== fs.constants.O_RDONLY
    return [`${name.slice(37)} ${isWritable ? 'rw' : 'ro'}`]
  })
  return [...new Set(open)].sort().reverse()
}
const snapshotOf = (volume: { id: string }) => ({ id: randomUUID(), volumeId: volume.id, pool })

it('takes snapshots of a running guest’s volume, which writes into a new layer after each', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  for (let n = 0; n < 2; n += 1)
    expect(await volumes.ensureSnapshot(op, snapshotOf(volume))).toMatchObject({ quiesced: false })
  expect(await filesOf(id, volume)).toEqual(['2.qcow2 rw', '1.qcow2 ro', '0.raw ro'])
  const copy = { id: randomUUID(), pool, sizeGib: 1, source: { kind: 'volume' as const, id: volume.id } }
  await volumes.ensureVolume(op, copy)
  expect(await filesOf(id, volume)).toEqual(['3.qcow2 rw', '2.qcow2 ro', '1.qcow2 ro', '0.raw ro'])

  // It grows with all its layers, also after a new start.
  await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 2 })
  await harness.driver.stop(op, id)
  await volumes.ensureSnapshot(op, snapshotOf(volume))
  await harness.driver.start(op, id)
  expect((await filesOf(id, volume))[0]).toBe('4.qcow2 rw')
  await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 3 })

  // QEMU lets go of all layers when the volume leaves, and takes them again.
  await harness.driver.stop(op, id)
  await harness.driver.plug(op, id, { nics: [], volumes: [] })
  await harness.driver.start(op, id)
  for (let n = 0; n < 2; n += 1) await harness.driver.plug(op, id, { nics: [], volumes: [volume] })
  expect((await filesOf(id, volume)).length).toBe(5)
  expect(await disksOf(id)).toEqual([`${volume.id} rw`])
  await harness.driver.remove(op, id)
  await volumes.removeVolume(op, volume)
  await volumes.removeVolume(op, copy)
})

it('goes on after an agent that was killed while it took a snapshot of a running guest’s volume', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  const withGuest = harness.driver.withGuest.bind(harness.driver)
  const killed = new Error('killed')
  // QEMU is first made to follow the layers that there are, and then the new one.
  const dyingAt = (call: 'before' | 'after') => {
    let calls = 0
    harness.driver.withGuest = (some, guest, work) =>
      withGuest(some, guest, (running) =>
        work(
          running && {
            ...running,
            async follow(what) {
              calls += 1
              if (calls === 1 || call === 'after') await running.follow(what)
              if (calls === 2) throw killed
            },
          },
        ),
      )
  }
  const snapshot = snapshotOf(volume)
  for (const call of ['before', 'after'] as const) {
    dyingAt(call)
    await expect(volumes.ensureSnapshot(op, snapshot)).rejects.toBe(killed)
  }
  expect(await volumes.listSnapshots(op, pool)).toEqual([])
  harness.driver.withGuest = withGuest
  // A growth puts QEMU right, so that the last layer is the one that grows.
  await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 2 })
  expect(await filesOf(id, volume)).toEqual(['2.qcow2 rw', '1.qcow2 ro', '0.raw ro'])
  await volumes.ensureSnapshot(op, snapshot)
  expect(await filesOf(id, volume)).toEqual(['3.qcow2 rw', '2.qcow2 ro', '1.qcow2 ro', '0.raw ro'])
})

it('keeps all volumes of a running guest at one instant', async () => {
  const id = randomUUID()
  const some = [await aVolume(), await aVolume()]
  const { disks, nics } = await harness.prepare(id)
  fs.writeFileSync(disks[0]?.path ?? '', alternatingGuestDisk())
  await harness.driver.ensure(op, { ...plainSpec(id), disks, nics, volumes: some })
  await harness.booted(id)
  const counterOf = (snapshotId: string): number => {
    const folder = path.join(dir, 'volumes/local/snapshots', snapshotId)
    const layers = fs.readdirSync(folder).filter((name) => /^\d/.test(name))
    const top = layers.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0] ?? ''
    const [from, to] = [`if=${path.join(folder, top)}`, `of=${path.join(dir, 'sector')}`]
    const format = ['-f', path.extname(top).slice(1), '-O', 'raw']
    execFileSync('qemu-img', ['dd', '-U', ...format, 'bs=512', 'count=1', from, to])
    return fs.readFileSync(path.join(dir, 'sector')).readUInt32LE(0)
  }
  // The firmware serves no disk from which it is not to start.
  for (const [index, volume] of some.entries()) {
    const path = `/machine/peripheral/vol-${volume.id}`
    await ask(id, 'qom-set', { path, property: 'bootindex', value: index + 10 })
  }
  await ask(id, 'system_reset')
  const seen = new Set<number>()
  for (let n = 0; n < 40 && seen.size < 5; n += 1) {
    const wish = some.map(snapshotOf)
    const snapshots = wish.map((one) => ({ id: one.id, volumeId: one.volumeId }))
    const made = await volumes.ensureSnapshots(op, { pool, snapshots })
    for (const one of made) expect(one).toMatchObject({ guest: id, quiesced: false })
    const [one = 0, two = 0] = made.map((snapshot) => counterOf(snapshot.id))
    expect(Math.abs(one - two), `the snapshots of round ${n}`).toBeLessThanOrEqual(1)
    seen.add(one)
  }
  expect(seen.size, 'the guest writes while snapshots are taken').toBe(5)
}, 60_000)

/** A volume whose running guest has written into three layers, of which nothing but the volume needs two. */
async function layered() {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  for (let n = 0; n < 3; n += 1) {
    const snapshot = snapshotOf(volume)
    await volumes.ensureSnapshot(op, snapshot)
    await volumes.removeSnapshot(op, snapshot)
  }
  expect(await filesOf(id, volume)).toEqual(['3.qcow2 rw', '2.qcow2 ro', '1.qcow2 ro', '0.raw ro'])
  return { id, volume, own: path.join(dir, 'volumes/local/open', id) }
}

it('merges the layers of a running guest’s volume, which goes on with them', async () => {
  const { id, volume, own } = await layered()
  expect(await volumes.mergeLayers(op, volume)).toMatchObject({ mergeable: 0 })
  expect(await filesOf(id, volume)).toEqual(['3.qcow2 rw', '0.raw ro'])
  expect(fs.readdirSync(own).sort()).toEqual([`${volume.id}-0.raw`, `${volume.id}-3.qcow2`])
  expect(fs.statSync(path.join(own, `${volume.id}-0.raw`)).uid).toBe(0)
  await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 2 })
  await volumes.ensureSnapshot(op, snapshotOf(volume))
  expect(await filesOf(id, volume)).toEqual(['4.qcow2 rw', '3.qcow2 ro', '0.raw ro'])
  await harness.driver.reboot(op, id)
  await harness.driver.stop(op, id)
  await harness.driver.start(op, id)
  expect(await filesOf(id, volume)).toEqual(['4.qcow2 rw', '3.qcow2 ro', '0.raw ro'])
  // After the start, QEMU has opened all layers together.
  for (const snapshot of await volumes.listSnapshots(op, pool))
    await volumes.removeSnapshot(op, { id: snapshot.id, pool })
  expect(await volumes.mergeLayers(op, volume)).toMatchObject({ mergeable: 0 })
  expect(await filesOf(id, volume)).toEqual(['4.qcow2 rw', '0.raw ro'])
})

it('takes no notice of a guest that has links to a volume and whose QEMU does not have it', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  const uid = fs.statSync(`/proc/${await harness.pidOf(id)}`).uid
  await volumes.openVolume(op, volume, { id, uid })
  await volumes.ensureSnapshot(op, snapshotOf(volume))
  await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 2 })
  expect(await filesOf(id, volume)).toEqual([])
  await harness.driver.plug(op, id, { nics: [], volumes: [{ ...volume, readOnly: false }] })
  expect(await filesOf(id, volume)).toEqual(['1.qcow2 rw', '0.raw ro'])
})

it('goes on after an agent that was killed when QEMU had merged, and does not wait for a merge to stop a guest', async () => {
  const { id, volume } = await layered()
  const withGuest = harness.driver.withGuest.bind(harness.driver)
  const withMerge = (after: (done: () => Promise<void>) => Promise<void>) => {
    harness.driver.withGuest = (some, guest, work) =>
      withGuest(some, guest, (running) =>
        work(
          running && {
            ...running,
            async merge(what) {
              const done = await running.merge(what)
              return (its) => after(() => done(its))
            },
          },
        ),
      )
  }
  const killed = new Error('killed')
  withMerge(async (done) => {
    await done()
    throw killed
  })
  await expect(volumes.mergeLayers(op, volume)).rejects.toBe(killed)
  // The manifest has the merged layers still, and QEMU does not: what they contain is in the lowest one, too.
  harness.driver.withGuest = withGuest
  await volumes.ensureSnapshot(op, snapshotOf(volume))
  expect(await filesOf(id, volume)).toEqual(['4.qcow2 rw', '3.qcow2 ro', '0.raw ro'])
  for (const snapshot of await volumes.listSnapshots(op, pool))
    await volumes.removeSnapshot(op, { id: snapshot.id, pool })
  withMerge(async (done) => {
    await harness.driver.stop(op, id)
    await done()
  })
  await volumes.mergeLayers(op, volume).catch((error: unknown) => expect(error).toBeInstanceOf(DriverError))
  harness.driver.withGuest = withGuest
  await volumes.mergeLayers(op, volume)
  await harness.driver.start(op, id)
  expect(await filesOf(id, volume)).toEqual(['4.qcow2 rw', '0.raw ro'])
})

it('makes a layer anew that an agent has opened and not put in place before it was killed', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  const node = `v${volume.id.replaceAll('-', '').slice(0, 24)}-1`
  await ask(id, 'blockdev-add', { driver: 'null-co', 'node-name': node })
  await volumes.ensureSnapshot(op, snapshotOf(volume))
  expect(await filesOf(id, volume)).toEqual(['1.qcow2 rw', '0.raw ro'])
})

it('takes a snapshot of a volume that its guest may only read', async () => {
  const id = randomUUID()
  const volume = { ...(await aVolume()), readOnly: true }
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [volume] })
  await harness.booted(id)
  for (let n = 0; n < 2; n += 1) await volumes.ensureSnapshot(op, snapshotOf(volume))
  expect(await filesOf(id, volume)).toEqual(['2.qcow2 ro', '1.qcow2 ro', '0.raw ro'])
})
