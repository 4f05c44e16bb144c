import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp } from '../op.ts'
import type { OpenedVolume } from './interface.ts'
import { createIscsiVolumes, type IscsiVolumes, initiatorOf } from './iscsi.ts'
import { blockOf, type Mark, markBytes, markOn, slots, volumeAt } from './lun-mark.ts'
import { withLuns } from './luns.ts'
import { seenLuns } from './luns-seen.ts'
import { runtimeOf } from './rbd-open.ts'
import { startTgt, type TestTgt } from './tgt.testing.ts'
import { allServers } from './volume-server.ts'

/** What hosts do when marks are not what they expect: copies of LUNs, hosts that come back, LUNs that have become larger. */

const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const { probe, guests } = uids
const log = pino({ level: 'silent' })
const op = () => backgroundOp(log, 'test', 600_000)
const root = fs.mkdtempSync('/var/tmp/strato-marks-')
fs.chmodSync(root, 0o711)
const made: { dir: string; driver: IscsiVolumes }[] = []
const mib = 1024 ** 2
const gib = 1024 ** 3
let tgt: TestTgt
let file: string
let one: IscsiVolumes
let two: IscsiVolumes

function aHost(host: string): IscsiVolumes {
  const dir = path.join(root, host)
  fs.mkdirSync(dir, { recursive: true, mode: 0o711 })
  const driver = createIscsiVolumes({
    ...{ dir, host, log, serverUid: probe, watchMs: 50, imagesDir: path.join(root, 'images') },
    ...{ withGuest: (_op, _id, work) => work(null), baseOf: async () => null, answerMs: 30_000 },
  })
  made.push({ dir, driver })
  return driver
}
beforeAll(async () => {
  tgt = await startTgt()
  file = tgt.addLun(1, 5, 2 * 1024 + 1)
  one = aHost('one')
  two = aHost('two')
  for (const driver of [one, two]) await driver.makePool(op(), tgt.pool)
})
afterAll(async () => {
  for (const { dir, driver } of made) {
    await driver.close()
    for (const [at, pid] of await allServers())
      if (at.startsWith(runtimeOf(dir))) process.kill(pid, 'SIGKILL')
    fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
  }
  tgt?.stop()
  fs.rmSync(root, { recursive: true, force: true })
})

function bytesAt(of: string, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const handle = fs.openSync(of, 'r')
  fs.readSync(handle, bytes, 0, length, at)
  fs.closeSync(handle)
  return bytes
}
function put(into: string, bytes: Buffer, at: number): void {
  const handle = fs.openSync(into, 'r+')
  fs.writeSync(handle, bytes, 0, bytes.length, at)
  fs.fsyncSync(handle)
  fs.closeSync(handle)
}
const markOf = (of = file) => markOn(bytesAt(of, 0, markBytes), 512).mark
/** Writes the next mark of a LUN into its file. */
function putMark(change: Partial<Mark>, of = file): void {
  const { mark, next } = markOn(bytesAt(of, 0, markBytes), 512)
  const base = mark ?? { number: 0, pool: tgt.pool.id, state: 'free' as const }
  put(of, blockOf({ ...base, number: base.number + 1, ...change }, 512), next.at)
}
async function blank(driver = one) {
  const spec = { id: crypto.randomUUID(), pool: tgt.pool, sizeGib: 1, source: null }
  while ((await driver.ensureVolume(op(), spec)) === null);
  return spec
}
const settled = () => expect.poll(() => markOf()?.state, { timeout: 60_000 }).toBe('free')
const aGuest = () => ({ id: crypto.randomUUID(), uid: guests.first })
const folderOf = (opened: OpenedVolume) => ('socket' in opened ? path.dirname(opened.socket) : '')
const pidIn = async (dir: string) => (await allServers()).get(dir)

describe('two LUNs that say that they are one volume', () => {
  test('are left alone, and the one that a guest has is the volume', async () => {
    const spec = await blank()
    const copy = tgt.addLun(1, 2, 2 * 1024 + 1)
    put(copy, bytesAt(file, 0, markBytes), 0)
    for (const driver of [one, two]) await driver.probePool(op(), tgt.pool)
    for (const each of [file, copy]) expect(markOf(each)).toMatchObject({ state: 'volume', id: spec.id })
    expect((await one.listVolumes(op(), tgt.pool)).map(({ id }) => id)).toEqual([spec.id])
    const guest = aGuest()
    const refused = { code: 'conflict', message: expect.stringMatching(/LUNs 2 and 5 both say/) }
    await expect(one.openVolume(op(), spec, guest)).rejects.toMatchObject(refused)
    await expect(one.removeVolume(op(), spec)).rejects.toMatchObject(refused)
    // The copy was made before the guest got the volume.
    putMark({ by: { host: 'one', guest: guest.id } })
    await one.openVolume(op(), spec, guest)
    await one.probePool(op(), tgt.pool)
    expect(markOf()).toMatchObject({ state: 'volume', by: { guest: guest.id } })
    expect(markOf(copy)).toMatchObject({ state: 'volume' })
    // Also a copy of older contents is left alone, and a guest's LUN with an older edition.
    putMark({ edition: 2 })
    await one.probePool(op(), tgt.pool)
    expect(markOf(copy)).toMatchObject({ state: 'volume' })
    putMark({ edition: 3 }, copy)
    await one.probePool(op(), tgt.pool)
    expect(markOf()).toMatchObject({ state: 'volume', by: { guest: guest.id } })
    // Who takes newer contents away leaves everybody in doubt until the LUN is shown as an empty one.
    tgt.removeLun(1, 2)
    await one.closeVolumes(op(), guest.id, [])
    const unsure = { code: 'unavailable', message: expect.stringMatching(/LUN 2 is not shown/) }
    await expect(one.removeVolume(op(), spec)).rejects.toMatchObject(unsure)
    tgt.addLun(1, 2, 2 * 1024 + 1)
    await one.probePool(op(), tgt.pool)
    tgt.removeLun(1, 2)
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
    await settled()
  })

  test('do not come to be when two hosts make one volume', async () => {
    const id = crypto.randomUUID()
    const other = tgt.addLun(1, 2, 2 * 1024 + 1)
    putMark({ state: 'making', id, sizeBytes: gib, by: { host: 'two' } }, other)
    const asks = () => one.ensureVolume(op(), { id, pool: tgt.pool, sizeGib: 1, source: null })
    await expect(asks()).rejects.toMatchObject({ code: 'unavailable', message: /by the host two/ })
    expect(markOf()).toMatchObject({ state: 'free' })
    tgt.removeLun(1, 2)
  })
})

describe('a host that comes back', () => {
  test('ends the servers of volumes that were taken from it', async () => {
    const spec = await blank()
    const dir = folderOf(await one.openVolume(op(), spec, aGuest()))
    expect(await pidIn(dir)).toBeDefined()
    await two.disown(op(), { pool: tgt.pool, host: 'one' })
    await expect.poll(() => pidIn(dir), { timeout: 20_000 }).toBeUndefined()
    await two.removeVolume(op(), spec)
    await settled()
  })

  test('starts a server again that no guest can reach, or that has old words to log in with', async () => {
    const spec = await blank()
    const guest = aGuest()
    const dir = folderOf(await one.openVolume(op(), spec, guest))
    // As after kill -9 between the start of the server and the moment that lets the guest in.
    const before = await pidIn(dir)
    fs.rmSync(path.join(dir, 'stamp'))
    fs.chmodSync(dir, 0o2700)
    const isReady = () => fs.existsSync(path.join(dir, 'stamp')) && fs.statSync(dir).mode & 0o7777
    await expect.poll(isReady, { timeout: 20_000 }).toBe(0o2710)
    const second = await pidIn(dir)
    expect(second).not.toBe(before)
    const portal = tgt.pool.portal.replace('127.0.0.1', 'localhost')
    await one.probePool(op(), { ...tgt.pool, portal })
    const isNew = async () => ![undefined, second].includes(await pidIn(dir)) && isReady()
    await expect.poll(isNew, { timeout: 20_000 }).toBe(0o2710)
    await one.probePool(op(), tgt.pool)
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
    await settled()
  })

  test('gives a LUN away only when nothing of a server that was killed can come any more', async () => {
    const spec = await blank()
    const guest = aGuest()
    const dir = folderOf(await one.openVolume(op(), spec, guest))
    const pid = (await pidIn(dir)) ?? 0
    expect(fs.readFileSync(`/proc/${pid}/environ`, 'latin1')).toContain('LIBISCSI_TCP_USER_TIMEOUT=10000')
    // A server whose target is silent does not end by itself.
    process.kill(pid, 'SIGSTOP')
    const closed = one.closeVolumes(op(), guest.id, [])
    await expect.poll(() => pidIn(dir), { timeout: 30_000 }).toBeUndefined()
    const killed = performance.now()
    expect(markOf()?.by).toEqual({ host: 'one', guest: guest.id })
    await closed
    expect(performance.now() - killed).toBeGreaterThan(10_000)
    expect(markOf()?.by).toBeUndefined()
    await one.removeVolume(op(), spec)
    await settled()
  }, 240_000)

  test('removes what an export has left', async () => {
    const left = path.join(root, 'three/from-luns/export-x')
    fs.mkdirSync(path.dirname(left), { recursive: true })
    fs.writeFileSync(left, 'the content of a volume')
    aHost('three')
    await expect.poll(() => fs.existsSync(left)).toBe(false)
  })
})

describe('a LUN that the storage has made larger', () => {
  const foreign = Buffer.from('what somebody else has left')
  const zeros = Buffer.alloc(foreign.length)

  test('is wiped from where it was not, before a volume takes it', async () => {
    const at = 700 * mib
    putMark({ state: 'free', at: 512 * mib })
    put(file, foreign, at)
    const spec = await blank()
    expect(bytesAt(file, at, foreign.length)).toEqual(zeros)
    expect(markOf()).toMatchObject({ state: 'volume', at: fs.statSync(file).size })
    await one.removeVolume(op(), spec)
    await settled()
  })

  test('is wiped where a volume grows, also while a guest has the volume', async () => {
    const spec = await blank()
    const at = volumeAt + gib + 100 * mib
    const grows = async (mark: Partial<Mark>) => {
      putMark({ ...mark, sizeBytes: gib })
      put(file, foreign, at)
      expect(await one.growVolume(op(), { ...spec, sizeGib: 2 })).toMatchObject({ sizeBytes: 2 * gib })
      expect(bytesAt(file, at, foreign.length)).toEqual(zeros)
      expect(markOf()).toMatchObject({ at: volumeAt + 2 * gib })
    }
    await grows({ at: volumeAt + gib })
    expect(markOf()?.by).toBeUndefined()
    const guest = aGuest()
    putMark({ sizeBytes: gib })
    await one.openVolume(op(), spec, guest)
    await grows({ at: undefined })
    expect(markOf()?.by).toEqual({ host: 'one', guest: guest.id })
    await one.closeVolumes(op(), guest.id, [])
    await one.removeVolume(op(), spec)
    await settled()
  })
})

test('a LUN that another host has taken meanwhile keeps its mark when a pool is removed', async () => {
  const seen = seenLuns(path.join(root, 'seen'), log)
  const target = { ...tgt.pool, host: 'test', initiator: initiatorOf('test'), seen }
  await withLuns(op(), target, async (luns) => {
    const [lun] = await luns.all()
    if (!lun?.mark) throw new Error('no mark')
    const at = slots.find((slot) => slot !== lun.next.at) ?? 0
    const taken = { ...lun.mark, number: lun.mark.number + 2, state: 'making' as const }
    put(file, blockOf(taken, 512), at)
    await expect(luns.forget(lun)).rejects.toMatchObject({ code: 'unavailable' })
    expect(markOf()).toEqual(taken)
  })
})

test('of two changes of one mark by one host at once, one is refused', async () => {
  const seen = seenLuns(path.join(root, 'seen'), log)
  const target = { ...tgt.pool, host: 'test', initiator: initiatorOf('test'), seen }
  putMark({ state: 'volume', id: crypto.randomUUID(), sizeBytes: gib, by: { host: 'test' } })
  const changes = async (guest: string) =>
    withLuns(op(), target, async (luns) => {
      const [lun] = await luns.all()
      if (!lun?.mark) throw new Error('no mark')
      const { mark } = lun
      isThere.push(guest)
      await expect.poll(() => isThere.length).toBe(2)
      return luns.change(lun, { ...mark, by: { host: 'test', guest } })
    })
  const isThere: string[] = []
  const results = await Promise.allSettled([changes('a'), changes('b')])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const done = results.find((one) => one.status === 'fulfilled')
  expect(markOf()?.by).toEqual(done?.value.mark?.by)
  put(file, Buffer.alloc(512), slots[0])
  put(file, Buffer.alloc(512), slots[1])
})
