import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { backgroundOp } from '../op.ts'
import { replace } from './iscsi-contents.ts'
import type * as session from './iscsi-session.ts'
import { blockOf, type Mark, slots } from './lun-mark.ts'
import { LunVolumes, volumeOn } from './lun-volumes.ts'
import { aTarget, sessionOf, type TestTarget } from './luns.testing.ts'
import { type Lun, type OpenTarget, withLuns } from './luns.ts'
import { seenLuns } from './luns-seen.ts'

/** New contents of a volume come on another LUN, of which anything may fail meanwhile. */

let target: TestTarget
vi.mock('./iscsi-session.ts', async (original) => ({
  ...(await original<typeof session>()),
  openSession: async () => sessionOf(target),
}))

const root = fs.mkdtempSync('/var/tmp/strato-lun-volumes-')
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))
const log = pino({ level: 'silent' })
const op = () => backgroundOp(log)
const id = 'the-volume'
let pool: OpenTarget
let volumes: LunVolumes
const poolOf = (host: string): OpenTarget => ({
  ...{ id: 'pool', host, portal: 'h:3260', target: 't', user: 'u', secret: 's', initiator: 'i' },
  seen: seenLuns(path.join(root, crypto.randomUUID()), log),
})
function put(lun: number, mark: Partial<Mark>): void {
  const base: Mark = { number: 5, pool: 'pool', state: 'volume', id, sizeBytes: 512 }
  blockOf({ ...base, ...mark }, 512).copy(target.luns.get(lun) ?? Buffer.alloc(0), slots[0])
  target.luns.get(lun)?.fill(0, slots[1], slots[1] + 512)
}
const free = { state: 'free', id: undefined, sizeBytes: undefined, at: 3 * 1024 ** 2 } as const
const all = (at = pool) => withLuns(op(), at, (luns) => luns.all())
const numbered = async (number: number) => (await all()).find(({ disk }) => disk.number === number)
const found = async () => volumeOn(await all(), id)?.disk.number
const stateOn = async (number: number) => (await numbered(number))?.mark?.state
const tidy = (driver = volumes) =>
  withLuns(op(), pool, async (luns) => driver.tidy(pool, luns, await luns.all()))
const contents = () => ({ of: async () => pool, volumes }) as unknown as Parameters<typeof replace>[0]
const key = { id, pool: { driver: 'iscsi' as const, id: 'pool', portal: 'h:3260', target: 't', user: 'u' } }
const replaced = (fill: () => Promise<void> = async () => undefined) => replace(contents(), op(), key, fill)
const unavailable = { code: 'unavailable', message: expect.stringMatching(/may have what the volume/) }

beforeEach(() => {
  target = aTarget(1, 2, 3)
  pool = poolOf('one')
  volumes = new LunVolumes('one', log)
  put(1, {})
  put(2, free)
  put(3, { id: 'another' })
})

test('a look at the pool in the middle of an exchange of contents takes nothing of the exchange away', async () => {
  const [old] = await all()
  await withLuns(op(), pool, (luns) =>
    volumes.during(luns, old as Lun, async (ours) => {
      const wish = { id, sizeBytes: 512, edition: 2 }
      await volumes.make(op(), pool, wish, async () => undefined)
      await tidy()
      expect(await stateOn(1)).toBe('volume')
      await volumes.retire(luns, pool, ours)
    }),
  )
  expect(await found()).toBe(2)
  await expect.poll(() => stateOn(1)).toBe('free')
})

test('a volume is not served with its old contents when the LUN with its new ones fails after the exchange', async () => {
  const retire = vi.spyOn(volumes, 'retire').mockImplementation(async () => {
    target.broken.add(2)
    throw new Error('The target is silent.')
  })
  await expect(replaced()).rejects.toThrow(/silent/)
  retire.mockRestore()
  await expect(found()).rejects.toMatchObject(unavailable)
  // Neither a look of this host, nor of the next agent, nor the end of the host makes the old contents the volume.
  for (const driver of [volumes, new LunVolumes('one', log)]) await tidy(driver)
  await withLuns(op(), pool, (luns) => new LunVolumes('two', log).disown(luns, pool, 'one'))
  await expect(found()).rejects.toMatchObject(unavailable)
  target.broken.delete(2)
  expect(await found()).toBe(2)
  await tidy()
  await expect.poll(() => stateOn(1)).toBe('free')
})

test('a volume is not served with its old contents when the LUN with its new ones is not shown any more', async () => {
  put(2, { edition: 2 })
  await all()
  const content = target.luns.get(2)
  target.luns.delete(2)
  for (let n = 0; n < 2; n += 1) await expect(found()).rejects.toMatchObject(unavailable)
  target.luns.set(2, content ?? Buffer.alloc(0))
  expect(await found()).toBe(2)
})

test('a LUN that fails keeps no other volume from its use, also after work on the volume', async () => {
  target.broken.add(3)
  const [lun] = await all()
  await withLuns(op(), pool, (luns) => volumes.during(luns, lun as Lun, async () => undefined))
  expect(await found()).toBe(1)
  expect((await numbered(1))?.mark?.by).toBeUndefined()
  // An exchange that was given up leaves nobody in doubt when the target is whole.
  target.broken.clear()
  await expect(replaced(() => Promise.reject(new Error('no content')))).rejects.toThrow('no content')
  expect((await numbered(1))?.mark?.by).toBeUndefined()
  expect(await found()).toBe(1)
})
