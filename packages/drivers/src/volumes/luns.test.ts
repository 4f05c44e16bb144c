import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { createIscsiVolumes } from './iscsi.ts'
import { ScsiError } from './iscsi-session.ts'
import { blockOf, markBytes, slots } from './lun-mark.ts'
import { volumeOn } from './lun-volumes.ts'
import { aTarget, sessionOf, type TestTarget } from './luns.testing.ts'
import { type Luns, lunsOf } from './luns.ts'
import { demandAllRead, seenLuns, unreadVolumes } from './luns-seen.ts'
import { read } from './scsi.ts'

const root = fs.mkdtempSync('/var/tmp/strato-luns-seen-')
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))
const log = pino({ level: 'silent' })
const seenIn = (name: string) => seenLuns(path.join(root, name), log)
const lunsAt = (target: TestTarget, seen = seenIn(crypto.randomUUID())): Luns =>
  lunsOf(sessionOf(target), { id: 'pool', host: 'one', seen })
const volume = (id: string) => blockOf({ number: 5, pool: 'pool', state: 'volume', id, sizeBytes: 512 }, 512)
const unavailable = (words: RegExp) =>
  expect.objectContaining({ code: 'unavailable', message: expect.stringMatching(words) })

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('a LUN that answers with an error hides no other one, and nobody takes its volume for one that is gone', async () => {
  const target = aTarget(1, 2)
  volume('a').copy(target.luns.get(1) ?? Buffer.alloc(0), slots[0])
  volume('b').copy(target.luns.get(2) ?? Buffer.alloc(0), slots[0])
  const seen = seenIn('broken')
  expect((await lunsAt(target, seen).all()).map(({ disk }) => disk.number)).toEqual([1, 2])
  target.broken.add(1)
  const all = await lunsAt(target, seen).all()
  expect(all).toMatchObject([
    { foreign: expect.stringMatching(/cannot be read: .*sense 3/) },
    { foreign: null },
  ])
  expect(volumeOn(all, 'b')?.disk.number).toBe(2)
  expect(thrownBy(() => volumeOn(all, 'a'))).toEqual(unavailable(/LUN 1 cannot be read.*the volume a/))
  expect(thrownBy(() => volumeOn(all, 'c'))).toEqual(unavailable(/LUN 1 cannot be read/))
  expect(unreadVolumes(all)).toMatchObject([{ id: 'a', sizeBytes: 512 }])
  // A host that has never read the LUN cannot say what is there.
  const stranger = await lunsAt(target).all()
  expect(thrownBy(() => unreadVolumes(stranger))).toEqual(unavailable(/LUN 1 cannot be read/))
})

test('a volume whose LUN the target does not show any more is not gone, also after a restart of the host', async () => {
  const target = aTarget(1, 2, 3)
  const content = volume('a')
  content.copy(target.luns.get(1) ?? Buffer.alloc(0), slots[0])
  await lunsAt(target, seenIn('missing')).all()
  for (const number of [1, 3]) target.luns.delete(number)
  const all = await lunsAt(target, seenIn('missing')).all()
  expect(thrownBy(() => volumeOn(all, 'a'))).toEqual(unavailable(/LUN 1 is not shown .*the volume a/))
  expect(thrownBy(() => demandAllRead(all))).toEqual(unavailable(/LUN 1 is not shown/))
  expect(volumeOn(all, 'c')).toBeNull()
  expect(unreadVolumes(all)).toMatchObject([{ id: 'a' }])
  // The volume may have come on another LUN, and an empty LUN says that the volume is lost.
  const other = target.luns.get(2)
  content.copy(other ?? Buffer.alloc(0), slots[0])
  expect(volumeOn(await lunsAt(target, seenIn('missing')).all(), 'a')?.disk.number).toBe(2)
  other?.fill(0)
  expect(volumeOn(await lunsAt(target, seenIn('missing')).all(), 'a')).toBeNull()
})

test('a LUN that another system has begun to use since it was seen as blank is not taken', async () => {
  const target = aTarget(1)
  const luns = lunsAt(target)
  const [lun] = await luns.all()
  if (!lun) throw new Error('no LUN')
  target.onReserve = () => void target.luns.get(1)?.write('LABELONE', 512)
  const taken = luns.change(lun, { state: 'wiping', by: { host: 'one' } })
  await expect(taken).rejects.toMatchObject({ code: 'unavailable' })
  expect(await read(luns.session, lun.disk, slots[0], 512)).toEqual(Buffer.alloc(512))
})

test('a mark that another host has written since is not removed with our own', async () => {
  const target = aTarget(1)
  const bytes = target.luns.get(1) ?? Buffer.alloc(0)
  blockOf({ number: 5, pool: 'pool', state: 'free' }, 512).copy(bytes, slots[0])
  const luns = lunsAt(target)
  const [lun] = await luns.all()
  if (!lun) throw new Error('no LUN')
  const theirs = blockOf({ number: 7, pool: 'pool', state: 'volume', id: 'a', sizeBytes: 512 }, 512)
  // Between the removal of the older mark and that of the other one.
  target.onRelease = () => void theirs.copy(bytes, slots[0])
  await expect(luns.forget(lun)).rejects.toMatchObject({ code: 'unavailable' })
  expect((await luns.all())[0]?.mark).toMatchObject({ number: 7, state: 'volume' })
})

test('what an export has left whose agent was killed is removed by the next agent', async () => {
  const dir = path.join(root, 'host')
  const file = path.join(dir, 'from-luns/export-1')
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, 'bytes of a tenant')
  const driver = createIscsiVolumes({
    ...{ dir, host: 'one', log, serverUid: 1, imagesDir: path.join(root, 'images') },
    withGuest: (_op, _id, work) => work(null),
    baseOf: async () => null,
  })
  await expect.poll(() => fs.existsSync(file)).toBe(false)
  await driver.close()
})

test('a LUN that was blank a short while ago is not read as a whole again, but when it is taken', async () => {
  const target = aTarget(1, 2)
  const luns = lunsAt(target)
  await luns.all()
  expect(target.read()).toBeGreaterThan(4 * 1024 ** 2)
  const all = await luns.all()
  expect(all).toMatchObject([{ foreign: null }, { foreign: null }])
  expect(target.read()).toBe(2 * markBytes)
  const [lun] = all
  if (!lun) throw new Error('no LUN')
  target.luns.get(1)?.write('LABELONE', 200_000)
  await expect(luns.change(lun, { state: 'wiping', by: { host: 'one' } })).rejects.toMatchObject({
    code: 'unavailable',
  })
  expect((await luns.all())[0]?.foreign).toMatch(/data that are not ours/)
})

test('an error of a LUN while it is reserved is not told as a target that lets nobody reserve', async () => {
  const target = aTarget(1)
  const luns = lunsAt(target)
  const [lun] = await luns.all()
  if (!lun) throw new Error('no LUN')
  target.fails = (code) => (code === 0x8a ? 5 : null)
  const change = luns.change(lun, { state: 'wiping', by: { host: 'one' } })
  await expect(change).rejects.toBeInstanceOf(ScsiError)
  target.fails = (code) => (code === 0x16 ? 5 : null)
  await expect(luns.tryReserving(lun)).rejects.toMatchObject({ code: 'unsupported' })
})
