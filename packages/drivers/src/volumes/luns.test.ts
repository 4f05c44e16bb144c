import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { createIscsiVolumes } from './iscsi.ts'
import { type IscsiSession, ScsiError } from './iscsi-session.ts'
import { blockOf, slots } from './lun-mark.ts'
import { volumeOn } from './lun-volumes.ts'
import { type Luns, lunsOf } from './luns.ts'
import { demandAllRead, seenLuns, unreadVolumes } from './luns-seen.ts'
import { read } from './scsi.ts'

const root = fs.mkdtempSync('/var/tmp/strato-luns-seen-')
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))
const log = pino({ level: 'silent' })
const bytesOfLun = 3 * 1024 ** 2
const mediumError = () => new ScsiError(2, Buffer.from([0x70, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0]))

/** A target in memory. `broken`: the LUNs that answer reads with an error. `onReserve` runs at the begin of a reservation, `onRelease` at its end. */
type Target = { luns: Map<number, Buffer>; broken: Set<number>; onReserve(): void; onRelease(): void }
const aTarget = (...numbers: number[]): Target => ({
  luns: new Map(numbers.map((number) => [number, Buffer.alloc(bytesOfLun)])),
  broken: new Set(),
  onReserve: () => undefined,
  onRelease: () => undefined,
})

function sessionOf(target: Target): IscsiSession {
  const run: IscsiSession['run'] = async ({ lun, cdb, writes }) => {
    const number = lun.readUInt16BE(0) & 0x3fff
    const content = target.luns.get(number) ?? Buffer.alloc(0)
    const at = Number(cdb.readBigUInt64BE(2)) * 512
    const length = cdb.readUInt32BE(10) * 512
    if (target.broken.has(number) && cdb[0] === 0x88) throw mediumError()
    switch (cdb[0]) {
      case 0xa0: {
        // Each number is told in both ways in which it can be written.
        const found = Buffer.alloc(8 + target.luns.size * 16)
        found.writeUInt32BE(target.luns.size * 16)
        for (const [index, one] of [...target.luns.keys()].entries()) {
          found.writeUInt16BE(one, 8 + index * 16)
          found.writeUInt16BE(0x4000 | one, 16 + index * 16)
        }
        return found
      }
      case 0x9e: {
        const found = Buffer.alloc(32)
        found.writeBigUInt64BE(BigInt(bytesOfLun / 512 - 1))
        found.writeUInt32BE(512, 8)
        return found
      }
      case 0x88:
        return Buffer.from(content.subarray(at, at + length))
      case 0x8a:
        writes?.copy(content, at)
        return Buffer.alloc(0)
      case 0x16:
        target.onReserve()
        return Buffer.alloc(0)
      case 0x17:
        target.onRelease()
        return Buffer.alloc(0)
      default:
        return Buffer.alloc(36)
    }
  }
  return { run, close: async () => undefined }
}
const seenIn = (name: string) => seenLuns(path.join(root, name), log)
const lunsAt = (target: Target, seen = seenIn(crypto.randomUUID())): Luns =>
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
