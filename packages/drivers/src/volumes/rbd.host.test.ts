import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openImageStore } from '../storage/image-store.ts'
import { copyAcross } from './across.ts'
import { volumesByPool } from './by-pool.ts'
import { volumeConformance } from './conformance.ts'
import { copyConformance } from './conformance-copies.ts'
import { createVolumeFiles } from './files.ts'
import type { LocalVolumeDriver, PoolSpec } from './interface.ts'
import { aGuest, aHost, bytes, images, op, qemuIo, root, serverOf, uids, withCeph } from './rbd.testing.ts'
import type { RbdVolumes } from './rbd.ts'
import { runtimeOf } from './rbd-open.ts'
import { withoutKey } from './rbd-pools.ts'
import { closeAllServed } from './remove-all.ts'
import { allServers } from './volume-server.ts'

const { probe, guests } = uids
const world = withCeph()
let ceph: typeof world.ceph
let one: RbdVolumes
let two: RbdVolumes
beforeAll(() => {
  ceph = world.ceph
  one = aHost('one')
  two = aHost('two')
})

function imageOf(bytes: number, fill: number): string {
  const id = crypto.randomUUID().replaceAll('-', '').padEnd(64, '0')
  const file = path.join(root, id)
  fs.writeFileSync(file, fill ? Buffer.alloc(1024 ** 2, fill) : '')
  fs.truncateSync(file, bytes)
  images.set(id, file)
  return id
}

describe('volumes that move between files and Ceph', () => {
  const files: PoolSpec = { driver: 'files', id: 'local' }
  copyConformance(() => ({
    ...{ driver: byPool(), op: op(), pool: files, otherPool: ceph.pool, uid: guests.first, bytes },
    ...{ image: async () => imageOf(1024 ** 2, 0xaa), largeImage: async () => imageOf(2 * 1024 ** 3, 0) },
    exports: openImageStore(path.join(root, 'images')),
  }))
  let driver: LocalVolumeDriver | null = null
  const byPool = () => {
    driver ??= volumesByPool({
      files: createVolumeFiles({
        ...{ dir: path.join(root, 'one'), host: 'one', imagesDir: path.join(root, 'images') },
        withGuest: (_op, _id, work) => work(null),
        baseOf: async (_op, base) => images.get(base.blobId) ?? null,
      }),
      rbd: one,
      iscsi: one, // No test of this file has a pool of LUNs.
    })
    return driver
  }
  test('a copy that differs from the volume is removed, and the volume stays', async () => {
    const spec = { id: crypto.randomUUID(), pool: files, sizeGib: 1, source: null }
    await byPool().ensureVolume(op(), spec)
    const wrong: LocalVolumeDriver = {
      ...one,
      receiveCopy: (own, copy) =>
        one.receiveCopy(own, copy, (volume) => volume.write(4096, Buffer.alloc(4096, 1))),
    }
    const wish = { id: spec.id, from: files, to: ceph.pool, copyId: crypto.randomUUID() }
    await expect(copyAcross(op(), { from: byPool(), to: wrong }, wish)).rejects.toThrow('differs')
    expect((await one.listVolumes(op(), ceph.pool)).map(({ id }) => id)).not.toContain(spec.id)
    await byPool().removeVolume(op(), spec)
  })
})

describe('volumes in Ceph', () => {
  volumeConformance(() => ({
    ...{ driver: one, op: op(), pool: ceph.pool, otherPool: ceph.otherPool, uid: guests.first, bytes },
    image: async () => imageOf(1024 ** 2, 0xaa),
    largeImage: async () => imageOf(2 * 1024 ** 3, 0),
    exports: openImageStore(path.join(root, 'images')),
  }))

  const blank = async (driver = one) => {
    const spec = { id: crypto.randomUUID(), pool: ceph.pool, sizeGib: 1, source: null }
    await driver.ensureVolume(op(), spec)
    return spec
  }
  test('a volume that a guest of one host has is refused to guests of another, and their growth too', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    await one.openVolume(op(), { ...spec, pool: withoutKey(ceph.pool) }, guest)
    const refused = { code: 'conflict', message: expect.stringContaining(guest.id) }
    await expect(two.openVolume(op(), spec, other)).rejects.toMatchObject(refused)
    const shared = { ...spec, shared: true as const }
    await expect(two.openVolume(op(), shared, other)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(two.removeVolume(op(), spec)).rejects.toMatchObject(refused)
    await expect(two.growVolume(op(), { ...spec, sizeGib: 2 })).rejects.toMatchObject({ code: 'conflict' })
    // Nobody there can make the guest's file systems hold still.
    const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool: ceph.pool }
    expect(await two.ensureSnapshot(op(), snapshot)).toMatchObject({ quiesced: false })
    expect(await one.listSnapshots(op(), ceph.pool)).toMatchObject([{ id: snapshot.id, quiesced: false }])
    await one.removeSnapshot(op(), snapshot)
    await two.closeVolumes(op(), guest.id, [])
    await one.closeVolumes(op(), guest.id, [])
    await two.openVolume(op(), spec, other)
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a guest that has moved to another host gets its volume there, and the old server writes no more', async () => {
    const spec = await blank()
    const guest = aGuest()
    const before = await one.openVolume(op(), spec, guest)
    await bytes.write(before, guest.uid, { at: 0, length: 4096 }, 1)
    const after = await two.openVolume(op(), spec, guest)
    await bytes.write(after, guest.uid, { at: 0, length: 4096 }, 2)
    expect(() => qemuIo(before, guest.uid, 'write -P 3 0 4096')).toThrow()
    expect(await bytes.are(after, guest.uid, { at: 0, length: 4096 }, 2)).toBe(true)
    for (const driver of [one, two]) await driver.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
  })

  test('only the user of the guest opens the socket, and nobody reads the key in a command line or a file', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    expect(() => qemuIo(opened, guests.first + 1, 'read 0 512')).toThrow(/Permission denied/)
    expect(() => qemuIo(opened, uids.converter, 'read 0 512')).toThrow(/Permission denied/)
    const { dir, pid } = await serverOf(opened)
    expect(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(ceph.pool.key)
    expect(fs.readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain(ceph.pool.key)
    expect(fs.readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(new RegExp(`^Uid:\\t${probe}\\t`, 'm'))
    expect(fs.readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/^CapBnd:\t0+$/m)
    expect(fs.readdirSync(dir)).not.toContain('secret')
    const found = execFileSync(
      'grep',
      ['-rlF', '--devices=skip', ceph.pool.key, runtimeOf(path.join(root, 'one')), path.join(root, 'one')],
      {
        encoding: 'utf8',
      },
    )
    for (const file of found.trim().split('\n')) expect(fs.statSync(file).mode & 0o077).toBe(0)
    await one.closeVolumes(op(), guest.id, [])
    expect(fs.existsSync(dir)).toBe(false)
    await one.removeVolume(op(), spec)
  })

  test('neither a process of the guest nor a link of the server deceives root', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    const { dir, pid } = await serverOf(opened)
    const who = ['--reuid', String(guest.uid), '--regid', String(guest.uid), '--clear-groups', 'bash', '-c']
    const pretender = spawn('setpriv', [...who, `cd ${dir} && exec -a qemu-storage-daemon sleep 60`])
    try {
      const started = () => fs.readFileSync(`/proc/${pretender.pid}/cmdline`, 'latin1').split('\0')[0]
      await expect.poll(started).toBe('qemu-storage-daemon')
      expect(fs.readlinkSync(`/proc/${pretender.pid}/cwd`)).toBe(dir)
      expect((await allServers()).get(dir)).toBe(pid)
    } finally {
      pretender.kill('SIGKILL')
    }
    const stamp = path.join(dir, 'stamp')
    const elsewhere = path.join(root, 'stamp')
    fs.renameSync(stamp, elsewhere)
    fs.symlinkSync(elsewhere, stamp)
    await one.openVolume(op(), spec, guest)
    expect((await serverOf(opened)).pid).not.toBe(pid)
    expect(fs.lstatSync(stamp).isFile()).toBe(true)
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a server that was killed is started again, and its guest goes on at once', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    await bytes.write(opened, guest.uid, { at: 0, length: 4096 }, 1)
    const { dir, pid } = await serverOf(opened)
    process.kill(pid, 'SIGKILL')
    await expect.poll(async () => (await allServers()).get(dir) ?? pid, { timeout: 20_000 }).not.toBe(pid)
    await expect.poll(() => fs.existsSync(path.join(dir, 'stamp')), { timeout: 20_000 }).toBe(true)
    const began = Date.now()
    await bytes.write(opened, guest.uid, { at: 0, length: 4096 }, 2)
    // Ceph itself would wait for the dead server for 30 s.
    expect(Date.now() - began).toBeLessThan(20_000)
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a cluster that does not answer is said to be so, and is told afterwards which guest has lost a volume', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    const { dir } = await serverOf(opened)
    const goOn = ceph.pause()
    try {
      await expect(one.probePool(op(), ceph.pool)).rejects.toMatchObject({ code: 'unavailable' })
      await one.closeVolumes(op(), guest.id, [])
      expect((await allServers()).has(dir)).toBe(false)
    } finally {
      goOn()
    }
    const other = aGuest()
    const opens = () =>
      two.openVolume(op(), spec, other).then(
        () => 'opened',
        (error: { code?: string }) => error.code,
      )
    await expect.poll(opens, { timeout: 60_000, interval: 500 }).toBe('opened')
    await two.closeVolumes(op(), other.id, [])
    // Ceph misses the server that was killed only after a while.
    const removes = () =>
      one.removeVolume(op(), spec).then(
        () => 'removed',
        (error: { code?: string }) => error.code,
      )
    await expect.poll(removes, { timeout: 60_000, interval: 1_000 }).toBe('removed')
  })

  test('a host that was told the key of a pool once needs it no more, and forgets it with the pool', async () => {
    const pool = { ...ceph.pool, id: 'told' }
    const spec = { id: crypto.randomUUID(), pool: withoutKey(pool), sizeGib: 1, source: null }
    const three = aHost('three')
    await expect(three.ensureVolume(op(), spec)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await three.makePool(op(), pool)).toMatchObject({ totalGib: 100 })
    await three.close()
    const again = aHost('three')
    await again.ensureVolume(op(), spec)
    await expect(again.removePool(op(), pool)).rejects.toMatchObject({ code: 'conflict' })
    await again.removeVolume(op(), spec)
    await again.removePool(op(), pool)
    await expect(again.ensureVolume(op(), spec)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a host that is off for sure loses its volumes, and its server writes no more', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const before = await one.openVolume(op(), spec, guest)
    await bytes.write(before, guest.uid, { at: 0, length: 4096 }, 1)
    await expect(one.disown(op(), { pool: ceph.pool, host: 'one' })).rejects.toMatchObject({
      code: 'invalid',
    })
    await two.disown(op(), { pool: ceph.pool, host: 'one' })
    const after = await two.openVolume(op(), spec, other)
    await bytes.write(after, other.uid, { at: 0, length: 4096 }, 2)
    expect(() => qemuIo(before, guest.uid, 'write -P 3 0 4096')).toThrow()
    expect(await bytes.are(after, other.uid, { at: 0, length: 4096 }, 2)).toBe(true)
    await one.closeVolumes(op(), guest.id, [])
    await expect(one.removeVolume(op(), spec)).rejects.toMatchObject({ code: 'conflict' })
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a host that comes back takes no volume from the guest that has it now', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const before = aHost('off')
    const { dir, pid } = await serverOf(await before.openVolume(op(), spec, guest))
    await before.close()
    process.kill(pid, 'SIGKILL')
    await two.disown(op(), { pool: ceph.pool, host: 'off' })
    const opened = await two.openVolume(op(), spec, other)
    const server = await serverOf(opened)
    const back = aHost('off', { watchMs: 600_000 })
    await expect(back.growVolume(op(), { ...spec, sizeGib: 2 })).rejects.toMatchObject({ code: 'conflict' })
    await back.close()
    aHost('off')
    const record = path.join(root, 'off/open-volumes', guest.id)
    await expect.poll(() => fs.existsSync(record), { timeout: 20_000 }).toBe(false)
    expect((await allServers()).has(dir)).toBe(false)
    expect(await serverOf(opened)).toEqual(server)
    await bytes.write(opened, other.uid, { at: 0, length: 4096 }, 1)
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a guest that has moved keeps its volume when the host from which it came gives the volume back', async () => {
    const spec = await blank()
    const guest = aGuest()
    await one.openVolume(op(), spec, guest)
    await two.openVolume(op(), spec, guest)
    await one.closeVolumes(op(), guest.id, [])
    await expect(one.openVolume(op(), spec, aGuest())).rejects.toMatchObject({ code: 'conflict' })
    await two.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a backup reads what a volume contained, and a volume gets other contents whole or not at all', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    await bytes.write(opened, guest.uid, { at: 8192, length: 4096 }, 1)
    const backup = { id: crypto.randomUUID(), volumeId: spec.id, pool: ceph.pool, snapshotId: null }
    const reads = async () => {
      const frozen = await one.openFrozen(op(), backup)
      const found = [await frozen.read(8192, 4096), await frozen.read(2 * 1024 ** 2, 4096)]
      await frozen.close()
      expect(frozen).toMatchObject({ sizeBytes: 1024 ** 3, since: null })
      return found.map((one) => one && [one.length, one[0]])
    }
    expect(await reads()).toEqual([[4096, 1], null])
    await bytes.write(opened, guest.uid, { at: 8192, length: 4096 }, 2)
    expect(await reads()).toEqual([[4096, 1], null])
    const fill = (byte: number) =>
      one.refillVolume(op(), spec, null, ({ write }) => write(4096, Buffer.alloc(4096, byte)))
    await expect(fill(5)).rejects.toMatchObject({ code: 'conflict' })
    await one.closeVolumes(op(), guest.id, [])
    const broken = one.refillVolume(op(), spec, null, async () => {
      throw new Error('broken off')
    })
    await expect(broken).rejects.toThrow('broken off')
    // As after a crash between the two names.
    await fill(5)
    ceph.rbd('rename', `volumes/volume-${spec.id}`, `volumes/next-${spec.id}`)
    const after = await one.openVolume(op(), spec, guest)
    expect(await bytes.are(after, guest.uid, { at: 4096, length: 4096 }, 5)).toBe(true)
    expect(await bytes.are(after, guest.uid, { at: 8192, length: 4096 }, 0)).toBe(true)
    await one.closeVolumes(op(), guest.id, [])
    await one.dropFrozen(op(), backup, true)
    expect(fs.readdirSync(path.join(root, 'one/from-ceph'))).toEqual([])
    const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool: ceph.pool }
    await one.ensureSnapshot(op(), snapshot)
    await expect(fill(6)).rejects.toMatchObject({ code: 'conflict' })
    await one.removeSnapshot(op(), snapshot)
    await one.removeVolume(op(), spec)
  })

  test('a backup that does not fit on the host, or fails there, leaves nothing on its disk', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    await bytes.write(opened, guest.uid, { at: 0, length: 16 * 1024 ** 2 }, 1)
    await one.closeVolumes(op(), guest.id, [])
    const small = aHost('small')
    const folder = path.join(root, 'small/from-ceph')
    fs.mkdirSync(folder, { recursive: true })
    const backup = { id: crypto.randomUUID(), volumeId: spec.id, pool: ceph.pool, snapshotId: null }
    const fails = async (room: string) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', room, 'tmpfs', folder])
      try {
        await expect(small.openFrozen(op(), backup)).rejects.toMatchObject({
          message: expect.stringMatching(/does not fit|ENOSPC/),
        })
        expect(fs.readdirSync(folder)).toEqual([])
      } finally {
        execFileSync('umount', [folder])
      }
    }
    await fails('size=520m')
    // The content fits, and there is no room for a second file beside it.
    await fails('size=600m,nr_inodes=2')
    // Whoever makes backups gives up with this what a failed one has kept.
    await small.dropFrozen(op(), { id: backup.id, volumeId: spec.id, pool: ceph.pool }, false)
    expect(ceph.rbd('snap', 'ls', '--all', `volumes/volume-${spec.id}`)).toBe('')
    await one.removeVolume(op(), spec)
  })

  test('what calls that were cut off have left goes with the next call, or with the volume', async () => {
    const spec = await blank()
    const name = `volumes/volume-${spec.id}`
    const [exportId, backupId] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const kept of [`export-${exportId}`, `backing-${backupId}`])
      ceph.rbd('snap', 'create', `${name}@${kept}`)
    await one.removeExport(op(), { pool: ceph.pool, exportId })
    await one.dropFrozen(op(), { id: backupId, volumeId: spec.id, pool: ceph.pool }, false)
    expect(ceph.rbd('snap', 'ls', '--all', name)).toBe('')
    for (const what of ['export', 'copy']) ceph.rbd('snap', 'create', `${name}@${what}-${exportId}`)
    ceph.rbd('create', '--size', '1G', `volumes/gone-${spec.id}-0123abcd`)
    await one.removeVolume(op(), spec)
    expect(ceph.rbd('ls', 'volumes')).not.toContain(spec.id)
  })

  test('the removal of a cloud ends the servers and gives the volumes back', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const gone = aHost('gone')
    const { dir } = await serverOf(await gone.openVolume(op(), { ...spec, pool: ceph.pool }, guest))
    await gone.close()
    await closeAllServed(op(), [path.join(root, 'gone')])
    expect((await allServers()).has(dir)).toBe(false)
    expect(fs.existsSync(runtimeOf(path.join(root, 'gone')))).toBe(false)
    await one.openVolume(op(), spec, other)
    await one.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a wrong key, a pool that is not there and a user without rights say so and leave nothing', async () => {
    const wrong = { ...ceph.pool, id: 'wrong', key: 'AQAEu2hjAAAAABAAmPLqHn7nEVhYf9XG0zVJcg==' }
    await expect(one.probePool(op(), wrong)).rejects.toMatchObject({ code: 'unavailable' })
    const nowhere = { ...ceph.pool, id: 'nowhere', pool: 'nowhere' }
    await expect(one.probePool(op(), nowhere)).rejects.toMatchObject({ code: 'invalid' })
    const spec = { id: crypto.randomUUID(), pool: nowhere, sizeGib: 1, source: null }
    await expect(one.ensureVolume(op(), spec)).rejects.toMatchObject({ code: 'failed' })
  })

  test('all these tests leave nothing in the pool', () => {
    for (const pool of ['volumes', 'others']) expect(ceph.rbd('ls', '-l', pool)).toBe('')
    expect(ceph.rbd('trash', 'ls', '--all', 'volumes')).toBe('')
    expect(
      fs.readdirSync(runtimeOf(path.join(root, 'one'))).filter((name) => !name.startsWith('pool-')),
    ).toEqual([])
  })
})
