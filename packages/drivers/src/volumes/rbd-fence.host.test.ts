import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { cephOf } from './ceph.ts'
import { aGuest, aHost, bytes, op, qemuIo, root, serverOf, uids, withCeph } from './rbd.testing.ts'
import type { RbdVolumes } from './rbd.ts'
import { fence } from './rbd-fence.ts'
import { volumeOf } from './rbd-images.ts'
import { allServers, serve } from './volume-server.ts'

const world = withCeph()
const range = { at: 0, length: 4096 }
const never = 600_000
/** The agent of the first host does nothing by itself, as if somebody had killed it; its servers run on. */
let one: RbdVolumes
let two: RbdVolumes
beforeAll(() => {
  one = aHost('one', { watchMs: never })
  two = aHost('two')
})

const blank = async () => {
  const spec = { id: crypto.randomUUID(), pool: world.ceph.pool, sizeGib: 1, source: null }
  await two.ensureVolume(op(), spec)
  return spec
}
const fenced = () => world.ceph.ceph('osd', 'blocklist', 'ls')
const watchersOf = ({ id }: { id: string }) => world.ceph.rbd('status', `volumes/volume-${id}`)

test('a server of a host that is off for sure writes no more, also when it never had Ceph’s lock', async () => {
  const spec = await blank()
  const [guest, other] = [aGuest(), aGuest()]
  const before = await one.openVolume(op(), spec, guest)
  const server = await serverOf(before)
  await two.disown(op(), { pool: spec.pool, host: 'one' })
  const after = await two.openVolume(op(), spec, other)
  await bytes.write(after, other.uid, range, 2)
  expect(() => qemuIo(before, guest.uid, 'write -P 3 0 4096')).toThrow()
  expect(await serverOf(before)).toEqual(server)
  expect(await bytes.are(after, other.uid, range, 2)).toBe(true)
  for (const [driver, { id }] of [
    [one, guest],
    [two, other],
  ] as const)
    await driver.closeVolumes(op(), id, [])
  await two.removeVolume(op(), spec)
})

test('what a host that is off has goes also when each call ends before all images are looked at', async () => {
  const guest = aGuest()
  const specs = [await blank(), await blank(), await blank(), await blank()]
  for (const spec of specs) await one.openVolume(op(), spec, guest)
  const short = { ...op(), signal: AbortSignal.timeout(300) }
  const cut = two.disown(short, { pool: world.ceph.pool, host: 'one' })
  await expect(cut).rejects.toMatchObject({ code: 'unavailable' })
  // Nobody asks any more, and the work goes on.
  for (const spec of specs)
    await expect
      .poll(() => two.removeVolume(op(), spec).catch((error: { code?: string }) => error.code), {
        ...{ timeout: 60_000, interval: 500 },
      })
      .toBeUndefined()
  await one.closeVolumes(op(), guest.id, [])
})

test('a server that the cluster had missed already comes back and writes no more', async () => {
  const spec = await blank()
  const [guest, other] = [aGuest(), aGuest()]
  const before = await one.openVolume(op(), spec, guest)
  const { pid } = await serverOf(before)
  process.kill(pid, 'SIGSTOP')
  try {
    await expect.poll(() => watchersOf(spec), { timeout: 60_000 }).toContain('Watchers: none')
    await two.disown(op(), { pool: spec.pool, host: 'one' })
    const after = await two.openVolume(op(), spec, other)
    await bytes.write(after, other.uid, range, 2)
    process.kill(pid, 'SIGCONT')
    expect(() => qemuIo(before, guest.uid, 'write -P 3 0 4096')).toThrow()
    expect(await bytes.are(after, other.uid, range, 2)).toBe(true)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await one.closeVolumes(op(), guest.id, [])
  await two.closeVolumes(op(), other.id, [])
  await two.removeVolume(op(), spec)
})

test('the old server of a guest that has moved writes no more, also when it never had Ceph’s lock', async () => {
  const spec = await blank()
  const guest = aGuest()
  const before = await one.openVolume(op(), spec, guest)
  const after = await two.openVolume(op(), spec, guest)
  await bytes.write(after, guest.uid, range, 2)
  expect(() => qemuIo(before, guest.uid, 'write -P 3 0 4096')).toThrow()
  expect(await bytes.are(after, guest.uid, range, 2)).toBe(true)
  for (const driver of [one, two]) await driver.closeVolumes(op(), guest.id, [])
  await two.removeVolume(op(), spec)
})

test('an agent that lives ends the servers of volumes that its host has lost', async () => {
  const spec = await blank()
  const guest = aGuest()
  const lives = aHost('lives', { watchMs: 50 })
  const { dir } = await serverOf(await lives.openVolume(op(), spec, guest))
  await two.disown(op(), { pool: spec.pool, host: 'lives' })
  await expect.poll(async () => (await allServers()).has(dir), { timeout: 60_000 }).toBe(false)
  const record = path.join(root, 'lives/open-volumes', guest.id)
  await expect.poll(() => fs.existsSync(record), { timeout: 20_000 }).toBe(false)
  await lives.close()
  await two.removeVolume(op(), spec)
})

test('a volume goes from host to host without a fence when its servers end in order', async () => {
  const spec = await blank()
  const before = fenced()
  for (const driver of [one, two, one]) {
    const guest = aGuest()
    const opened = await driver.openVolume(op(), spec, guest)
    await bytes.write(opened, guest.uid, range, 1)
    await driver.growVolume(op(), { ...spec, sizeGib: 2 })
    await driver.closeVolumes(op(), guest.id, [])
  }
  expect(fenced()).toBe(before)
  await two.removeVolume(op(), spec)
})

test('a host that has lost a volume meanwhile does not fence the server of the next one', async () => {
  const spec = await blank()
  const guest = aGuest()
  const opened = await two.openVolume(op(), spec, guest)
  const ceph = cephOf(world.ceph.pool, path.join(root, 'late/pool'))
  const image = await volumeOf(ceph, op(), spec.id)
  const late = fence(ceph, op(), image?.id ?? '', { host: 'one', isAllowed: async () => false })
  await expect(late).rejects.toMatchObject({ code: 'conflict' })
  await bytes.write(opened, guest.uid, range, 4)
  await two.closeVolumes(op(), guest.id, [])
  await two.removeVolume(op(), spec)
})

test('a guest does not reach a server before it is known that the guest still has the volume', async () => {
  const dir = path.join('/run', `strato-test-${process.pid}`)
  const guestUid = uids.guests.first
  const opened = { socket: path.join(dir, 's') }
  const lost = new Error('the volume was lost')
  let tried = false
  const served = {
    ...{ node: { driver: 'null-co', size: 4096 }, guestUid, uid: uids.probe, secret: 'a2V5', files: {} },
    ...{ stamp: 'first', before: async () => undefined },
    async opened() {
      expect((await allServers()).has(dir)).toBe(true)
      expect(() => qemuIo(opened, guestUid, 'read 0 512')).toThrow(/Permission denied/)
      tried = true
      throw lost
    },
  }
  await expect(serve(op(), dir, served)).rejects.toBe(lost)
  expect(tried).toBe(true)
  expect((await allServers()).has(dir)).toBe(false)
  expect(fs.existsSync(dir)).toBe(false)
})
