import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVolumeFiles } from '../volumes/files.ts'
import type { LocalVolumeDriver } from '../volumes/interface.ts'
import { testGuestDisk } from './boot-sector.ts'
import { op, plainSpec } from './conformance-world.ts'
import type { VolumeAttachment } from './interface.ts'
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

it('gives a guest whose image asks for SCSI its disks on one controller, also volumes that come and go while it runs', async () => {
  const id = randomUUID()
  const [first, second] = [await aVolume(), await aVolume()]
  const spec = {
    ...plainSpec(id),
    ...(await harness.prepare(id)),
    diskBus: 'scsi' as const,
    volumes: [first],
  }
  await harness.driver.ensure(op, spec)
  // The firmware starts the guest from its disk there.
  await harness.booted(id)
  const property = (device: string, name: string) =>
    ask(id, 'qom-get', { path: `/machine/peripheral/${device}`, property: name })
  expect(await property('blk0', 'scsi-id')).toBe(0)
  expect(await property(`vol-${first.id}`, 'scsi-id')).toBe(1)
  for (const name of ['serial', 'device_id']) expect(await property(`vol-${first.id}`, name)).toBe(first.id)
  for (let n = 0; n < 2; n += 1)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [first, second] })).toEqual([])
  expect(await property(`vol-${second.id}`, 'scsi-id')).toBe(2)
  // SCSI needs no answer of the guest, which the boot sector would not give.
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [second] })).toEqual([])
  expect(await disksOf(id)).toEqual([`${second.id} rw`])
  const third = { ...(await aVolume()), readOnly: true }
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [second, third] })).toEqual([])
  expect(await property(`vol-${third.id}`, 'scsi-id')).toBe(1)
  expect((await disksOf(id)).toSorted()).toEqual([`${second.id} rw`, `${third.id} ro`].toSorted())
})

it('starts a guest from a volume by SCSI', async () => {
  const id = randomUUID()
  const root = await aVolume()
  fs.writeFileSync(path.join(dir, 'volumes/local/data', root.id, '0.raw'), testGuestDisk(), { flag: 'r+' })
  const spec = { ...plainSpec(id), volumes: [{ ...root, boot: true as const }] }
  await harness.driver.ensure(op, { ...spec, diskBus: 'scsi' })
  await harness.booted(id)
})

it('gives two running guests a shared volume, which both may write, and refuses one in layers', async () => {
  const [a, b] = [randomUUID(), randomUUID()]
  const volume = { ...(await aVolume()), shared: true as const }
  for (const [id, diskBus] of [
    [a, undefined],
    [b, 'scsi' as const],
  ] as const)
    await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)), diskBus })
  for (const id of [a, b]) {
    await harness.booted(id)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [volume] })).toEqual([])
  }
  for (const id of [a, b]) expect(await disksOf(id)).toEqual([`${volume.id} rw`])
  const io = (id: string, command: string) =>
    ask(id, 'human-monitor-command', {
      'command-line': `qemu-io v${volume.id.replaceAll('-', '').slice(0, 24)} "${command}"`,
    })
  // QEMU's monitor does not repeat what qemu-io says, so the file tells who has written.
  await io(a, 'write -P 7 0 4096')
  await io(b, 'write -P 9 4096 4096')
  const file = Buffer.alloc(8192)
  const handle = fs.openSync(path.join(dir, 'volumes/local/data', volume.id, '0.raw'), 'r')
  fs.readSync(handle, file, 0, 8192, 0)
  fs.closeSync(handle)
  expect(file.equals(Buffer.concat([Buffer.alloc(4096, 7), Buffer.alloc(4096, 9)]))).toBe(true)
  const guests = new RegExp(`${a}|${b}`)
  await expect(volumes.growVolume(op, { ...volume, sizeGib: 2 })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(guests),
  })
  const other = { ...(await aVolume()), shared: true as const }
  await volumes.ensureSnapshot(op, { id: randomUUID(), volumeId: other.id, pool })
  await expect(harness.driver.plug(op, a, { nics: [], volumes: [volume, other] })).rejects.toMatchObject({
    code: 'unsupported',
  })
  const own = await aVolume()
  await volumes.openVolume(op, own, { id: a, uid: 1 })
  await expect(volumes.openVolume(op, own, { id: b, uid: 2 })).rejects.toMatchObject({ code: 'conflict' })
})

it('bounds the speed of a volume from the start of its guest, and changes and lifts the bounds while the guest runs', async () => {
  const id = randomUUID()
  const volume = await aVolume()
  const other = await aVolume()
  const limitsOf = async (one: { id: string }) =>
    Object.fromEntries(
      Object.entries(
        (await ask(id, 'qom-get', { path: `/objects/limits-${one.id}`, property: 'limits' })) as object,
      ).filter(([name, value]) => value !== 0 && !name.endsWith('-length')),
    )
  const plug = (...some: object[]) =>
    harness.driver.plug(op, id, { nics: [], volumes: some as VolumeAttachment[] })
  const slow = {
    ...volume,
    limits: { iopsTotal: 100, iopsTotalMax: 200, iopsSize: 4096, bpsRead: 1_000_000 },
  }
  const spec = { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [slow] }
  await harness.driver.ensure(op, spec)
  await harness.booted(id)
  const slowly = { 'iops-total': 100, 'iops-total-max': 200, 'iops-size': 4096, 'bps-read': 1_000_000 }
  expect(await limitsOf(volume)).toEqual(slowly)

  // A volume that comes later has its limits at once, and the limits of the other one are changed as a whole.
  const limits = { iopsRead: 50, iopsWrite: 60 }
  await plug({ ...volume, limits }, { ...other, limits })
  expect(await limitsOf(volume)).toEqual({ 'iops-read': 50, 'iops-write': 60 })
  expect(await limitsOf(other)).toEqual({ 'iops-read': 50, 'iops-write': 60 })
  await plug(volume, { ...other, limits })
  expect(await limitsOf(volume)).toEqual({})
  expect((await harness.driver.specOf(id))?.volumes).toEqual([volume, { ...other, limits }])

  // Snapshots put layers below the filter, which goes on bounding. A new start has the limits of the record.
  await volumes.ensureSnapshot(op, { id: randomUUID(), volumeId: other.id, pool })
  await harness.driver.reboot(op, id)
  expect(await limitsOf(other)).toEqual({ 'iops-read': 50, 'iops-write': 60 })
})

it('tells limits that QEMU does not take, and gives the other volumes theirs', async () => {
  const id = randomUUID()
  const [one, two] = [await aVolume(), await aVolume()]
  const spec = { ...plainSpec(id), ...(await harness.prepare(id)), volumes: [one, two] }
  await harness.driver.ensure(op, spec)
  await harness.booted(id)
  const bad = { ...one, limits: { iopsTotal: 5, iopsRead: 5 } }
  const good = { ...two, limits: { iopsTotal: 7 } }
  await expect(harness.driver.plug(op, id, { nics: [], volumes: [bad, good] })).rejects.toThrow(/iops/)
  const at = { path: `/objects/limits-${two.id}`, property: 'limits' }
  expect(await ask(id, 'qom-get', at)).toMatchObject({ 'iops-total': 7 })
})
