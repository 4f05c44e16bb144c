import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp } from '../op.ts'
import { createFilesDriver } from '../storage/files.ts'
import { openImageStore } from '../storage/image-store.ts'
import { createClaims } from './claims.ts'
import { volumeConformance } from './conformance.ts'
import { createVolumeFiles } from './files.ts'
import type { LocalVolumeDriver, PoolSpec } from './interface.ts'
import { dropBases } from './pool-bases.ts'
import { qemuBytes } from './testing.ts'

/**
 * A folder that two hosts see. Both are drivers of this machine, and the folder is a plain one in another file system
 * than the images: a mount of NFS needs a kernel that may mount.
 */
const root = fs.mkdtempSync('/var/tmp/stratolith-shared-')
const mounted = fs.mkdtempSync('/dev/shm/stratolith-shared-')
for (const folder of [root, mounted]) fs.chmodSync(folder, 0o711)
const imagesDir = path.join(root, 'images')
const store = openImageStore(imagesDir)
const hostAt = (name: string): LocalVolumeDriver => {
  const dir = path.join(root, 'hosts', name)
  const storage = createFilesDriver({ imagesDir, dir })
  return createVolumeFiles({
    ...{ dir, host: name, ownFolders: [root], imagesDir },
    withGuest: (_op, _id, work) => work(null),
    async baseOf(op, base) {
      await storage.ensureBase(op, base)
      return storage.basePath(base.blobId)
    },
  })
}
const [a, b] = [hostAt('a'), hostAt('b')]
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const uid = uids.guests.first
const op = () => backgroundOp(pino({ level: 'silent' }))
const pool: PoolSpec = { driver: 'files', id: crypto.randomUUID(), path: mounted, shared: true }
const inPool = (...names: string[]) => path.join(mounted, pool.id, ...names)
const otherPool: PoolSpec = { driver: 'files', id: 'local' }
beforeAll(() => a.makePool(op(), pool))
afterAll(() => {
  for (const folder of [root, mounted]) fs.rmSync(folder, { recursive: true, force: true })
})

async function image(size = 1024 ** 2): Promise<string> {
  const id = crypto.randomUUID()
  const { sha256 } = await store.stage(id, Readable.from([Buffer.alloc(size, 0xaa)]), { maxBytes: 1e9 })
  await store.commit(id, sha256)
  return sha256
}
const blank = () => ({ id: crypto.randomUUID(), pool, sizeGib: 1, source: null })
const aGuest = () => ({ id: crypto.randomUUID(), uid })
const owners = () => (fs.existsSync(inPool('owners')) ? fs.readdirSync(inPool('owners')) : [])

describe('volumes in a folder that several hosts see', () => {
  volumeConformance(() => ({
    ...{ driver: a, op: op(), pool, otherPool, uid, image: () => image(), bytes: qemuBytes },
    exports: store,
    async largeImage() {
      const file = path.join(root, 'large.qcow2')
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '2G'])
      const id = crypto.randomUUID()
      const { sha256 } = await store.stage(id, Readable.from([fs.readFileSync(file)]), { maxBytes: 1e9 })
      await store.commit(id, sha256)
      return sha256
    },
  }))
})

test('a volume that a guest of one host has is neither given, changed nor removed by another host', async () => {
  const spec = blank()
  await a.ensureVolume(op(), spec)
  const guest = aGuest()
  const opened = await a.openVolume(op(), spec, guest)
  await qemuBytes.write(opened, uid, { at: 0, length: 4096 }, 7)
  const taken = { code: 'conflict', message: expect.stringContaining(`${guest.id} on the host a`) }
  const size = { id: spec.id, pool, sizeGib: 2 }
  const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool }
  for (const call of [
    () => b.openVolume(op(), spec, aGuest()),
    () => b.growVolume(op(), size),
    () => b.removeVolume(op(), spec),
    () => b.ensureSnapshot(op(), snapshot),
    () => b.mergeLayers(op(), spec),
  ])
    await expect(call()).rejects.toMatchObject(taken)
  expect(await b.listVolumes(op(), pool)).toMatchObject([{ id: spec.id }])
  await a.growVolume(op(), size)
  await a.closeVolumes(op(), guest.id, [])
  const next = aGuest()
  const again = await b.openVolume(op(), spec, next)
  expect(await qemuBytes.are(again, uid, { at: 0, length: 4096 }, 7)).toBe(true)
  await expect(a.openVolume(op(), spec, guest)).rejects.toMatchObject({ code: 'conflict' })
  await b.closeVolumes(op(), next.id, [])
  await b.removeVolume(op(), spec)
  expect(owners()).toEqual([])
})

test('of two hosts that open a volume at one moment, one gets it', async () => {
  const spec = blank()
  await a.ensureVolume(op(), spec)
  for (let round = 0; round < 5; round += 1) {
    const guests = [aGuest(), aGuest()] as const
    const results = await Promise.allSettled([
      a.openVolume(op(), spec, guests[0]),
      b.openVolume(op(), spec, guests[1]),
    ])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await a.closeVolumes(op(), guests[0].id, [])
    await b.closeVolumes(op(), guests[1].id, [])
    expect(owners()).toEqual([])
  }
  await b.removeVolume(op(), spec)
})

test('what a host that was killed has begun is over when it is back, and what a host that is off has is given up', async () => {
  const spec = blank()
  await a.ensureVolume(op(), spec)
  fs.writeFileSync(inPool('owners', spec.id), JSON.stringify({ host: 'a', guest: null }))
  await expect(b.growVolume(op(), { id: spec.id, pool, sizeGib: 2 })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('The host a works on'),
  })
  await hostAt('a').probePool(op(), pool)
  await b.growVolume(op(), { id: spec.id, pool, sizeGib: 2 })
  const guest = aGuest()
  await a.openVolume(op(), spec, guest)
  await b.disown(op(), { pool, host: 'a' })
  await b.openVolume(op(), spec, aGuest())
  await expect(b.disown(op(), { pool, host: 'b' })).rejects.toMatchObject({ code: 'invalid' })
})

test('what a move has brought from the disk of a host is removed by that host alone, until a guest has it', async () => {
  const spec = blank()
  await a.ensureVolume(op(), spec)
  const file = inPool('data', spec.id, 'volume.json')
  const movedFrom = { driver: 'files', id: 'local', host: 'a' }
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), movedFrom }))
  await expect(b.removeVolume(op(), spec)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('the disk of the host a,'),
  })
  expect(fs.existsSync(file)).toBe(true)
  const guest = aGuest()
  await b.openVolume(op(), spec, guest)
  await b.closeVolumes(op(), guest.id, [])
  await b.removeVolume(op(), spec)
  expect(fs.existsSync(file)).toBe(false)
})

test('the folder of a guest has a name that no other guest can guess', async () => {
  const spec = blank()
  await a.ensureVolume(op(), spec)
  const guest = aGuest()
  await a.openVolume(op(), spec, guest)
  const name = fs.readdirSync(inPool('open')).find((one) => one.startsWith(guest.id))
  expect(name).toMatch(/\.[0-9a-f]{32}$/)
  expect(fs.statSync(inPool('open')).mode & 0o777).toBe(0o711)
  await a.closeVolumes(op(), guest.id, [])
  await a.removeVolume(op(), spec)
})

test('an image is copied into the pool once, and goes when no volume has needed it for an hour', async () => {
  const blobId = await image(3 * 1024 ** 2)
  const base = { blobId, format: 'raw' as const, maxVirtualBytes: 1024 ** 3 }
  const specs = [blank(), blank()].map((spec) => ({ ...spec, source: { kind: 'image' as const, base } }))
  for (const [index, spec] of specs.entries()) await (index === 0 ? a : b).ensureVolume(op(), spec)
  const copy = inPool('bases', `${blobId}.raw`)
  const [first, second] = specs.map((spec) => fs.statSync(inPool('data', spec.id, '0.raw')).ino)
  expect([first, second]).toEqual([fs.statSync(copy).ino, fs.statSync(copy).ino])
  for (const spec of specs) await a.removeVolume(op(), spec)
  expect(fs.existsSync(copy)).toBe(true)
  const place = { pool, root: inPool(), claims: createClaims(path.join(root, 'hosts/a'), 'a') }
  await dropBases(place, Date.now() + 3_700_000)
  expect(fs.existsSync(copy)).toBe(false)
})

describe('the folder of a pool', () => {
  const at = (folder: string): PoolSpec => ({ driver: 'files', id: crypto.randomUUID(), path: folder })
  const refused = (folder: string, words: RegExp) =>
    expect(a.makePool(op(), at(folder))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(words),
    })

  test('must be there, be no link, belong to root alone, and lie outside of the cloud', async () => {
    const make = (name: string, mode = 0o755) => {
      fs.mkdirSync(path.join(mounted, name), { mode })
      fs.chmodSync(path.join(mounted, name), mode)
      return path.join(mounted, name)
    }
    await refused(path.join(mounted, 'absent'), /is not on this host/)
    fs.symlinkSync('/etc', path.join(mounted, 'link'))
    await refused(path.join(mounted, 'link'), /leads to \/etc by a link/)
    await refused(make('writable', 0o777), /nobody else may write/)
    await refused(make('closed', 0o700), /chmod o\+x/)
    const foreign = make('foreign')
    fs.chownSync(foreign, uid, uid)
    await refused(foreign, /must belong to root/)
    await refused(path.join(root, 'hosts'), /of this cloud/)
    await refused('/var/tmp', /nobody else may write|of this cloud/)
  })

  test('that is not mounted is no empty pool: nothing is made, listed or counted as removed there', async () => {
    const folder = path.join(mounted, 'unmounted')
    fs.mkdirSync(folder, { mode: 0o755 })
    const spec = { ...blank(), pool: at(folder) }
    const gone = { code: 'unavailable', message: expect.stringContaining('mounted?') }
    await expect(b.probePool(op(), spec.pool)).rejects.toMatchObject(gone)
    await expect(b.ensureVolume(op(), spec)).rejects.toMatchObject(gone)
    await expect(b.listVolumes(op(), spec.pool)).rejects.toMatchObject(gone)
    await expect(b.removeVolume(op(), spec)).rejects.toMatchObject(gone)
    expect(fs.readdirSync(folder)).toEqual([])
    await b.makePool(op(), spec.pool)
    await b.ensureVolume(op(), spec)
    const guest = aGuest()
    await b.openVolume(op(), spec, guest)
    fs.renameSync(folder, `${folder}.away`)
    fs.mkdirSync(folder, { mode: 0o755 })
    // The guest may still have the volume there, so that nobody may believe that the volume is free.
    await expect(b.closeVolumes(op(), guest.id, [])).rejects.toMatchObject(gone)
    await b.closeVolumes(op(), crypto.randomUUID(), [])
    fs.rmdirSync(folder)
    fs.renameSync(`${folder}.away`, folder)
    await b.closeVolumes(op(), guest.id, [])
    await expect(b.removePool(op(), spec.pool)).rejects.toMatchObject({ code: 'conflict' })
    await b.removeVolume(op(), spec)
    await b.removePool(op(), spec.pool)
    expect(fs.readdirSync(folder)).toEqual([])
  })
})
