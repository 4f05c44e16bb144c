import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { testGuestDisk } from './hypervisor/boot-sector.ts'
import { op, plainSpec } from './hypervisor/conformance-world.ts'
import { type QemuHarness, qemuHarness } from './hypervisor/qemu.testing.ts'
import { connectQmp } from './hypervisor/qmp.ts'
import { createFilesDriver } from './storage/files.ts'
import type { LocalStorageDriver } from './storage/interface.ts'
import { createVolumeFiles } from './volumes/files.ts'
import type { LocalVolumeDriver } from './volumes/interface.ts'

const pool = { driver: 'files' as const, id: 'local' }
let harness: QemuHarness
let volumes: LocalVolumeDriver
let storage: LocalStorageDriver
let dir: string
beforeEach(async () => {
  dir = fs.mkdtempSync('/var/tmp/strato-local-')
  fs.chmodSync(dir, 0o711)
  volumes = createVolumeFiles({
    dir,
    imagesDir: path.join(dir, 'images'),
    baseOf: async () => null,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
  harness = await qemuHarness({ volumes, diskPathOf: undefined })
  storage = createFilesDriver({ dir: harness.dir, imagesDir: path.join(dir, 'images') })
})
afterEach(async () => {
  await harness.destroy()
  fs.rmSync(dir, { recursive: true })
})

/** What QEMU tells of the disks of a guest, in the order of their places: the size, and the place itself. */
async function disksOf(id: string): Promise<{ name: string; bytes: number; place: string }[]> {
  await harness.abandon()
  const qmp = await connectQmp(path.join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: () => undefined,
    onClose: () => undefined,
  })
  try {
    const blocks = (await qmp.execute('query-block')) as {
      qdev: string
      inserted: { image: { 'virtual-size': number } }
    }[]
    const found = await Promise.all(
      blocks.map(async ({ qdev, inserted }) => {
        const name = /(blk\d|vol)/.exec(qdev)?.[1] ?? qdev
        const device = /\/machine\/peripheral\/[\w-]+/.exec(qdev)?.[0] ?? qdev
        const isScsi = !qdev.includes('virtio-backend')
        const property = isScsi ? 'scsi-id' : 'parent_bus'
        const place =
          String(await qmp.execute('qom-get', { path: device, property }))
            .split('/')
            .at(-1) ?? ''
        return { name, bytes: inserted.image['virtual-size'], place }
      }),
    )
    return found.toSorted((a, b) => (a.place < b.place ? -1 : 1))
  } finally {
    qmp.close()
    await harness.reopen()
  }
}

async function localDisks(instanceId: string) {
  const wishes = [
    { ...{ id: randomUUID(), instanceId, sizeMib: 1024 }, format: 'ext4' as const, label: 'ephemeral0' },
    { ...{ id: randomUUID(), instanceId, sizeMib: 64 }, format: 'swap' as const, label: 'swap' },
  ]
  const disks = []
  for (const wish of wishes) {
    const disk = await storage.ensureLocalDisk(op, wish)
    if (!disk) throw new Error('this driver returns a disk only when the disk is ready')
    const kind = wish.format === 'swap' ? ('swap' as const) : ('ephemeral' as const)
    disks.push({ id: disk.id, path: disk.path, format: disk.format, boot: false, kind })
  }
  return disks
}
const [gib, mib] = [1024 ** 3, 1024 ** 2]

it.each([undefined, 'scsi' as const])(
  'gives a guest that starts from a volume its ephemeral and swap disks after the volume (bus %s), at every start',
  async (diskBus) => {
    const id = randomUUID()
    const [root, data] = [randomUUID(), randomUUID()]
    for (const one of [root, data])
      await volumes.ensureVolume(op, { id: one, pool, sizeGib: 2, source: null })
    fs.writeFileSync(path.join(dir, 'volumes/local/data', root, '0.raw'), testGuestDisk(), { flag: 'r+' })
    const spec = {
      ...plainSpec(id),
      diskBus,
      disks: await localDisks(id),
      volumes: [
        { id: data, pool, readOnly: false },
        { id: root, pool, readOnly: false, boot: true as const },
      ],
    }
    await harness.driver.ensure(op, spec)
    await harness.booted(id)
    const at = diskBus ? '' : 'd'
    const places = [
      { name: 'vol', bytes: 2 * gib, place: `${at}0` },
      { name: 'blk0', bytes: gib, place: `${at}1` },
      { name: 'blk1', bytes: 64 * mib, place: `${at}2` },
      { name: 'vol', bytes: 2 * gib, place: `${at}3` },
    ]
    expect(await disksOf(id)).toEqual(places)
    await harness.driver.reboot(op, id)
    await harness.booted(id)
    expect(await disksOf(id)).toEqual(places)
    // The disks belong to the guest's user now, and go with the guest.
    for (const { path: file } of spec.disks) expect(fs.statSync(file).uid).not.toBe(0)
    await harness.driver.remove(op, id)
    for (const disk of await storage.disksOf(op, id)) await storage.removeDisk(op, disk.id)
    expect(fs.existsSync(path.join(harness.dir, 'instances', id))).toBe(false)
  },
)
