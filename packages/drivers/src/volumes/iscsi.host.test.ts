import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp } from '../op.ts'
import { openImageStore } from '../storage/image-store.ts'
import { volumesByPool } from './by-pool.ts'
import { volumeConformance } from './conformance.ts'
import { copyConformance } from './conformance-copies.ts'
import { createVolumeFiles } from './files.ts'
import type { LocalVolumeDriver, OpenedVolume, PoolSpec } from './interface.ts'
import { createIscsiVolumes, type IscsiVolumes, initiatorOf } from './iscsi.ts'
import { withoutSecret } from './iscsi-open.ts'
import { blockOf, markIn, slots, volumeAt } from './lun-mark.ts'
import { type Luns, withLuns } from './luns.ts'
import { seenLuns } from './luns-seen.ts'
import { runtimeOf } from './rbd-open.ts'
import { closeAllServed } from './remove-all.ts'
import { reserved } from './scsi.ts'
import { qemuBytes } from './testing.ts'
import { startTgt, type TestTgt } from './tgt.testing.ts'
import { allServers } from './volume-server.ts'

const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const { probe, guests, converter } = uids
const log = pino({ level: 'silent' })
const op = () => backgroundOp(log, 'test', 600_000)
const root = fs.mkdtempSync('/var/tmp/strato-luns-')
// Guests' users reach the links to their volumes in files.
fs.chmodSync(root, 0o711)
const images = new Map<string, string>()
const made: { dir: string; driver: IscsiVolumes }[] = []
let tgt: TestTgt
/** The files of the LUNs of the pool. */
let files: string[]

function aHost(host: string, watchMs = 200): IscsiVolumes {
  const dir = path.join(root, host)
  fs.mkdirSync(dir, { recursive: true, mode: 0o711 })
  const driver = createIscsiVolumes({
    ...{ dir, host, log, serverUid: probe, watchMs, imagesDir: path.join(root, 'images'), answerMs: 30_000 },
    withGuest: (_op, _id, work) => work(null),
    baseOf: async (_op, base) => images.get(base.blobId) ?? null,
  })
  made.push({ dir, driver })
  return driver
}
let one: IscsiVolumes
let two: IscsiVolumes
const lunMib = 3 * 1024 + 1
beforeAll(async () => {
  tgt = await startTgt()
  files = [1, 2, 3, 4].map((lun) => tgt.addLun(1, lun, lunMib))
  for (const lun of [1, 2]) tgt.addLun(2, lun, lunMib)
  one = aHost('one')
  two = aHost('two')
  for (const driver of [one, two])
    for (const pool of [tgt.pool, tgt.otherPool]) await driver.makePool(op(), pool)
})
afterAll(async () => {
  for (const { dir, driver } of made) {
    await driver.close()
    // A test that has failed leaves servers.
    for (const [at, pid] of await allServers())
      if (at.startsWith(runtimeOf(dir))) process.kill(pid, 'SIGKILL')
    fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
  }
  tgt?.stop()
  fs.rmSync(root, { recursive: true, force: true })
})

function imageOf(bytes: number, fill: number): string {
  const id = crypto.randomUUID().replaceAll('-', '').padEnd(64, '0')
  const file = path.join(root, id)
  fs.writeFileSync(file, fill ? Buffer.alloc(1024 ** 2, fill) : '')
  fs.truncateSync(file, bytes)
  images.set(id, file)
  return id
}
const bench = () => ({
  ...{ op: op(), uid: guests.first, bytes: qemuBytes, exports: openImageStore(path.join(root, 'images')) },
  ...{ image: async () => imageOf(1024 ** 2, 0xaa), largeImage: async () => imageOf(2 * 1024 ** 3, 0) },
})

describe('volumes on LUNs', () => {
  volumeConformance(() => ({ ...bench(), driver: one, pool: tgt.pool, otherPool: tgt.otherPool }), {
    snapshots: false,
  })
})

describe('volumes that move between files and LUNs', () => {
  const local: PoolSpec = { driver: 'files', id: 'local' }
  let driver: LocalVolumeDriver | null = null
  const byPool = () => {
    driver ??= volumesByPool({
      files: createVolumeFiles({
        ...{ dir: path.join(root, 'one'), host: 'one', imagesDir: path.join(root, 'images') },
        withGuest: (_op, _id, work) => work(null),
        baseOf: async (_op, base) => images.get(base.blobId) ?? null,
      }),
      iscsi: one,
      rbd: one, // No test of this file has a pool in Ceph.
    })
    return driver
  }
  copyConformance(() => ({ ...bench(), driver: byPool(), pool: local, otherPool: tgt.pool }))
})

async function blank(driver = one, sizeGib = 1) {
  const spec = { id: crypto.randomUUID(), pool: tgt.pool, sizeGib, source: null }
  while ((await driver.ensureVolume(op(), spec)) === null);
  return spec
}
const aGuest = (uid = guests.first) => ({ id: crypto.randomUUID(), uid })
const serverOf = async (opened: OpenedVolume) => {
  const dir = 'socket' in opened ? path.dirname(opened.socket) : ''
  const pid = (await allServers()).get(dir)
  if (pid === undefined) throw new Error(`no server runs in ${dir}`)
  return { dir, pid }
}
const seen = seenLuns(path.join(root, 'seen'), log)
const looks = <T>(work: (luns: Luns) => Promise<T>): Promise<T> =>
  withLuns(op(), { ...tgt.pool, host: 'test', initiator: initiatorOf('test'), seen }, work)
/** The marks on a LUN with their places, as its file has them; the one that holds is the first. */
function marksOf(file: string) {
  const bytes = Buffer.alloc(16_384)
  const handle = fs.openSync(file, 'r')
  fs.readSync(handle, bytes)
  fs.closeSync(handle)
  return slots
    .map((at) => ({ at, mark: markIn(bytes.subarray(at, at + 512)) }))
    .sort((a, b) => (b.mark?.number ?? 0) - (a.mark?.number ?? 0))
}
const markOf = (file: string) => marksOf(file)[0]?.mark ?? null
function fileOf(id: string): string {
  const file = files.find((each) => markOf(each)?.id === id)
  if (!file) throw new Error(`no LUN has the volume ${id}`)
  return file
}
/** Writes into the file of a LUN, as nobody but a test does. */
function put(file: string, bytes: Buffer, at: number): void {
  const handle = fs.openSync(file, 'r+')
  fs.writeSync(handle, bytes, 0, bytes.length, at)
  fs.fsyncSync(handle)
  fs.closeSync(handle)
}
/** Waits until no LUN is being wiped. */
const settled = () =>
  expect
    .poll(
      async () => looks(async (luns) => (await luns.all()).every(({ mark }) => mark?.state !== 'wiping')),
      {
        timeout: 60_000,
      },
    )
    .toBe(true)

describe('hosts that share a target', () => {
  test('a volume that a guest of one host has is refused to guests of another, and their growth too', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    await one.openVolume(op(), { ...spec, pool: withoutSecret(tgt.pool) }, guest)
    const refused = { code: 'conflict', message: expect.stringContaining(guest.id) }
    await expect(two.openVolume(op(), spec, other)).rejects.toMatchObject(refused)
    // Nobody tells the other host's server to end, so that the guest does not get the volume there either.
    await expect(two.openVolume(op(), spec, guest)).rejects.toMatchObject(refused)
    const shared = { ...spec, shared: true as const }
    await expect(two.openVolume(op(), shared, other)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(two.removeVolume(op(), spec)).rejects.toMatchObject(refused)
    await expect(two.growVolume(op(), { ...spec, sizeGib: 2 })).rejects.toMatchObject(refused)
    expect(await two.listVolumes(op(), tgt.pool)).toMatchObject([{ id: spec.id, guest: guest.id }])
    await two.closeVolumes(op(), guest.id, [])
    await one.closeVolumes(op(), guest.id, [])
    await two.openVolume(op(), spec, other)
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('two hosts that take LUNs at once get different ones, and a mark is written by one of them alone', async () => {
    await settled()
    const specs = await Promise.all([blank(one), blank(two), blank(one), blank(two)])
    const marks = files.map(markOf)
    expect(new Set(marks.map((mark) => mark?.id))).toEqual(new Set(specs.map(({ id }) => id)))
    const late = { id: crypto.randomUUID(), pool: tgt.pool, sizeGib: 1, source: null }
    await expect(two.ensureVolume(op(), late)).rejects.toMatchObject({
      code: 'no_space',
      message: expect.stringMatching(/no free LUN for a volume of 1 GiB.*LUN 1 has the volume/),
    })
    for (const spec of specs) await two.removeVolume(op(), spec)
    await settled()
    await looks(async (luns) => {
      const [lun] = await luns.all()
      if (!lun) throw new Error('no LUN')
      const wish = (host: string) => luns.change(lun, { state: 'wiping', by: { host } })
      await wish('one')
      await expect(wish('two')).rejects.toMatchObject({ code: 'unavailable' })
    })
    await one.probePool(op(), tgt.pool)
    await settled()
  })

  test('while a host has reserved a LUN, no other one reads or writes it, and the end of its session frees the LUN', async () => {
    const over = Promise.withResolvers<void>()
    const isReserved = Promise.withResolvers<void>()
    const holder = looks(async (luns) => {
      const [lun] = await luns.all()
      if (!lun) throw new Error('no LUN')
      await reserved(luns.session, lun.disk, async () => {
        isReserved.resolve()
        await over.promise
        // As after kill -9: the session ends without giving the LUN back.
        await luns.session.close()
      })
    }).catch((error: unknown) => error)
    await isReserved.promise
    const unsure = { code: 'unavailable', message: expect.stringMatching(/has reserved a LUN/) }
    const unknown = { id: crypto.randomUUID(), pool: tgt.pool }
    await expect(two.removeVolume(op(), unknown)).rejects.toMatchObject(unsure)
    over.resolve()
    expect(await holder).toMatchObject({ code: 'unavailable' })
    expect(await two.listVolumes(op(), tgt.pool)).toEqual([])
  })

  test('a host that is off for sure loses its volumes, and takes none back when it returns', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const gone = aHost('gone')
    await gone.openVolume(op(), spec, guest)
    await gone.close()
    const self = two.disown(op(), { pool: tgt.pool, host: 'two' })
    await expect(self).rejects.toMatchObject({ code: 'invalid' })
    for (const [at, pid] of await allServers())
      if (at.startsWith(runtimeOf(path.join(root, 'gone')))) process.kill(pid, 'SIGKILL')
    await two.disown(op(), { pool: tgt.pool, host: 'gone' })
    const opened = await two.openVolume(op(), spec, other)
    const back = aHost('gone')
    await expect
      .poll(() => fs.existsSync(path.join(root, 'gone/open-luns', guest.id)), { timeout: 60_000 })
      .toBe(false)
    await qemuBytes.write(opened, other.uid, { at: 0, length: 4096 }, 2)
    await expect(back.openVolume(op(), spec, guest)).rejects.toMatchObject({ code: 'conflict' })
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })
})

describe('LUNs', () => {
  test('a LUN with data that are not ours is never written, and its reason is said', async () => {
    await settled()
    const file = tgt.addLun(1, 9, 4 * 1024)
    put(file, Buffer.from('LABELONE'), 512)
    const before = fs.statSync(file).mtimeMs
    const spec = { id: crypto.randomUUID(), pool: tgt.pool, sizeGib: 3, source: null }
    const small = await Promise.all([1, 2, 3, 4].map(() => blank(one, 3)))
    await expect(one.ensureVolume(op(), spec)).rejects.toMatchObject({
      message: expect.stringContaining('LUN 9 has data that are not ours'),
    })
    for (const each of small) await one.removeVolume(op(), each)
    await one.probePool(op(), tgt.pool)
    expect(fs.statSync(file).mtimeMs).toBe(before)
    tgt.removeLun(1, 9)
    await settled()
  })

  test('what was on a LUN before its first use, and what a removed volume had, is zeros afterwards', async () => {
    await settled()
    const others = await Promise.all([1, 2, 3, 4].map(() => blank(one, 3)))
    const file = tgt.addLun(1, 9, 2 * 1024 + 1)
    const handle = fs.openSync(file, 'r+')
    fs.writeSync(handle, 'what somebody else has left', 700 * 1024 ** 2)
    const spec = await blank()
    expect(markOf(file)).toMatchObject({ id: spec.id, state: 'volume', sizeBytes: 1024 ** 3 })
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    const at = 700 * 1024 ** 2 - volumeAt
    expect(await qemuBytes.are(opened, guest.uid, { at, length: 4096 }, 0)).toBe(true)
    await qemuBytes.write(opened, guest.uid, { at, length: 4096 }, 0x77)
    await one.closeVolumes(op(), guest.id, [])
    const read = () => {
      const bytes = Buffer.alloc(4096)
      fs.readSync(handle, bytes, 0, 4096, at + volumeAt)
      return bytes
    }
    expect(read()).toEqual(Buffer.alloc(4096, 0x77))
    await one.removeVolume(op(), spec)
    await settled()
    expect(read()).toEqual(Buffer.alloc(4096))
    expect(markOf(file)).toMatchObject({ state: 'free' })
    for (const each of others) await one.removeVolume(op(), each)
    fs.closeSync(handle)
    tgt.removeLun(1, 9)
    await settled()
  })

  test('a host goes on with what it had begun before it was killed', async () => {
    const spec = await blank()
    const file = fileOf(spec.id)
    const [holds, next] = marksOf(file)
    if (!holds?.mark || !next) throw new Error('no mark')
    // As after kill -9 in the middle of the making of a volume.
    const wanted = {
      ...holds.mark,
      number: holds.mark.number + 1,
      state: 'making' as const,
      by: { host: 'one' },
    }
    put(file, blockOf(wanted, 512), next.at)
    expect((await one.listVolumes(op(), tgt.pool)).map(({ id }) => id)).not.toContain(spec.id)
    await two.probePool(op(), tgt.pool)
    expect(markOf(file)).toMatchObject({ state: 'making' })
    await one.probePool(op(), tgt.pool)
    await expect.poll(() => markOf(file)?.state, { timeout: 60_000 }).toBe('free')
  })

  test('a mark that was written half leaves the one before', async () => {
    const spec = await blank()
    const file = fileOf(spec.id)
    await one.growVolume(op(), { ...spec, sizeGib: 2 })
    expect(markOf(file)?.sizeBytes).toBe(2 * 1024 ** 3)
    put(file, Buffer.alloc(100, 0xff), (marksOf(file)[0]?.at ?? 0) + 60)
    expect(await one.listVolumes(op(), tgt.pool)).toMatchObject([{ id: spec.id, sizeBytes: 1024 ** 3 }])
    expect(await one.growVolume(op(), { ...spec, sizeGib: 3 })).toMatchObject({ sizeBytes: 3 * 1024 ** 3 })
    await expect(one.growVolume(op(), { ...spec, sizeGib: 4 })).rejects.toMatchObject({
      code: 'no_space',
      message: expect.stringMatching(/has room for 3 GiB. Make the LUN larger/),
    })
    await one.removeVolume(op(), spec)
  })

  test('a backup reads the volume, which no guest gets meanwhile, and new contents come whole or not at all', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    await qemuBytes.write(opened, guest.uid, { at: 8192, length: 4096 }, 1)
    await one.closeVolumes(op(), guest.id, [])
    const backup = { id: crypto.randomUUID(), volumeId: spec.id, pool: tgt.pool, snapshotId: null }
    for (let n = 0; n < 2; n += 1) {
      const frozen = await one.openFrozen(op(), backup)
      expect(frozen).toMatchObject({ sizeBytes: 1024 ** 3, since: null, quiesced: true })
      expect((await frozen.read(8000, 400))?.subarray(192)).toEqual(Buffer.alloc(208, 1))
      expect(await frozen.read(2 * 1024 ** 2, 4096)).toBeNull()
      await frozen.close()
    }
    await expect(two.openVolume(op(), spec, guest)).rejects.toMatchObject({ message: /is being backed up/ })
    await one.dropFrozen(op(), backup, true)
    const broken = one.refillVolume(op(), spec, null, async ({ write }) => {
      await write(0, Buffer.alloc(4096, 9))
      throw new Error('broken off')
    })
    await expect(broken).rejects.toThrow('broken off')
    const reads = async (at: number, byte: number) => {
      const again = await two.openVolume(op(), spec, guest)
      expect(await qemuBytes.are(again, guest.uid, { at, length: 4096 }, byte)).toBe(true)
      await two.closeVolumes(op(), guest.id, [])
    }
    await reads(8192, 1)
    await reads(0, 0)
    await one.refillVolume(op(), spec, null, ({ write }) => write(4096, Buffer.alloc(4096, 5)))
    await reads(4096, 5)
    await reads(8192, 0)
    await one.removeVolume(op(), spec)
    await settled()
  })
})

describe('targets', () => {
  test('only the user of the guest opens the socket, and nobody reads the secret in a command line or a file', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    for (const user of [guests.first + 1, converter])
      await expect(qemuBytes.are(opened, user, { at: 0, length: 512 }, 0)).rejects.toThrow()
    const { dir, pid } = await serverOf(opened)
    for (const what of ['cmdline', 'environ'])
      expect(fs.readFileSync(`/proc/${pid}/${what}`, 'latin1')).not.toContain(tgt.pool.secret)
    expect(fs.readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(new RegExp(`^Uid:\\t${probe}\\t`, 'm'))
    expect(fs.readdirSync(dir)).not.toContain('secret')
    const places = [runtimeOf(path.join(root, 'one')), path.join(root, 'one')]
    const found = execFileSync('grep', ['-rlF', '--devices=skip', tgt.pool.secret, ...places], {
      encoding: 'utf8',
    })
    for (const file of found.trim().split('\n')) {
      expect(path.dirname(file)).toBe(path.join(root, 'one/pool-keys'))
      expect(fs.statSync(file).mode & 0o077).toBe(0)
    }
    await one.closeVolumes(op(), guest.id, [])
    expect(fs.existsSync(dir)).toBe(false)
    await one.removeVolume(op(), spec)
  })

  test('a server that was killed is started again, and its guest goes on', async () => {
    const spec = await blank()
    const guest = aGuest()
    const opened = await one.openVolume(op(), spec, guest)
    const { dir, pid } = await serverOf(opened)
    process.kill(pid, 'SIGKILL')
    await expect.poll(async () => (await allServers()).get(dir) ?? pid, { timeout: 60_000 }).not.toBe(pid)
    await expect.poll(() => fs.existsSync(path.join(dir, 'stamp')), { timeout: 20_000 }).toBe(true)
    await qemuBytes.write(opened, guest.uid, { at: 0, length: 4096 }, 2)
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a target that does not answer is said to be so, holds nobody up, and is told afterwards who has lost a volume', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const { dir } = await serverOf(await one.openVolume(op(), spec, guest))
    const goOn = tgt.pause()
    try {
      const began = Date.now()
      await expect(one.probePool(op(), tgt.pool)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/has not answered for 15 s/),
      })
      await one.closeVolumes(op(), guest.id, [])
      expect(Date.now() - began).toBeLessThan(60_000)
      expect((await allServers()).has(dir)).toBe(false)
    } finally {
      goOn()
    }
    const opens = () =>
      two.openVolume(op(), spec, other).then(
        () => 'opened',
        (error: { code?: string }) => error.code,
      )
    await expect.poll(opens, { timeout: 60_000, interval: 500 }).toBe('opened')
    await two.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('a wrong secret, a target that is not there and a portal where nothing listens say what to do', async () => {
    const fails = (change: object) => one.probePool(op(), { ...tgt.pool, id: 'wrong', ...change })
    for (const [change, words] of [
      [{ secret: 'another-secret' }, /refuses the CHAP user tests or the secret. Type both again/],
      [{ target: 'iqn.2026-01.test.stratolith:none' }, /has no target iqn/],
      [{ portal: '127.0.0.1:1' }, /127.0.0.1:1 .* does not work: .*ECONNREFUSED/],
    ] as const)
      await expect(fails(change)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(words),
      })
  })

  test('a host that was told the secret of a pool once needs it no more, and forgets it with the pool', async () => {
    await settled()
    const spec = { id: crypto.randomUUID(), pool: withoutSecret(tgt.otherPool), sizeGib: 1, source: null }
    const three = aHost('three')
    await expect(three.ensureVolume(op(), spec)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await three.makePool(op(), tgt.otherPool)).toMatchObject({ totalGib: 6 })
    await three.close()
    const again = aHost('three')
    while ((await again.ensureVolume(op(), spec)) === null);
    await expect(again.removePool(op(), tgt.otherPool)).rejects.toMatchObject({ code: 'conflict' })
    await again.removeVolume(op(), spec)
    const removes = () =>
      again.removePool(op(), tgt.otherPool).then(
        () => 'removed',
        (error: { code?: string }) => error.code,
      )
    await expect.poll(removes, { timeout: 60_000 }).toBe('removed')
    await expect(again.ensureVolume(op(), spec)).rejects.toMatchObject({ code: 'unavailable' })
    // Another pool may have the LUNs then.
    expect(await again.makePool(op(), { ...tgt.otherPool, id: 'successor' })).toMatchObject({ freeGib: 6 })
  })

  test('a target without a LUN that we may use makes no pool', async () => {
    const file = tgt.addLun(2, 9, 2 * 1024)
    expect(await one.makePool(op(), { ...tgt.otherPool, id: 'new' })).toMatchObject({ totalGib: 7 })
    put(file, blockOf({ number: 1, pool: 'another', state: 'free' }, 512), slots[0])
    expect(await one.makePool(op(), { ...tgt.otherPool, id: 'new' })).toMatchObject({ totalGib: 6 })
    tgt.removeLun(2, 9)
  })

  test('the removal of a cloud ends the servers and gives the volumes back', async () => {
    const spec = await blank()
    const [guest, other] = [aGuest(), aGuest()]
    const destroyed = aHost('destroyed')
    const { dir } = await serverOf(await destroyed.openVolume(op(), spec, guest))
    await destroyed.close()
    await closeAllServed(op(), [path.join(root, 'destroyed')])
    expect((await allServers()).has(dir)).toBe(false)
    expect(fs.existsSync(runtimeOf(path.join(root, 'destroyed')))).toBe(false)
    await one.openVolume(op(), spec, other)
    await one.closeVolumes(op(), other.id, [])
    await one.removeVolume(op(), spec)
  })

  test('all these tests leave nothing on the target', async () => {
    await settled()
    for (const pool of [tgt.pool, tgt.otherPool]) expect(await one.listVolumes(op(), pool)).toEqual([])
    expect(files.map((file) => markOf(file)?.state)).toEqual(files.map(() => 'free'))
    expect(fs.readdirSync(path.join(root, 'one/from-luns'))).toEqual([])
  })
})
