import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { createIscsiVolumes, type IscsiVolumes } from '../volumes/iscsi.ts'
import { withoutSecret } from '../volumes/iscsi-open.ts'
import { runtimeOf } from '../volumes/rbd-open.ts'
import { startTgt, type TestTgt } from '../volumes/tgt.testing.ts'
import { allServers } from '../volumes/volume-server.ts'
import { testGuestDisk } from './boot-sector.ts'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'

/** A real guest with volumes on LUNs of a real target, by the servers of volumes. */
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const serverUid = uids.probe
const netns = `strato-lun-${process.pid}`
const gib = 1024 ** 3
let tgt: TestTgt
let harness: QemuHarness
let volumes: IscsiVolumes
let dir: string
beforeAll(async () => {
  tgt = await startTgt()
  for (const lun of [1, 2]) tgt.addLun(1, lun, 2 * 1024 + 1)
  // Guests run in a network namespace from which no way leads to the target.
  execFileSync('ip', ['netns', 'add', netns])
  dir = fs.mkdtempSync('/var/tmp/strato-lun-')
  fs.chmodSync(dir, 0o711)
  const image = path.join(dir, 'image.raw')
  fs.writeFileSync(image, testGuestDisk())
  volumes = createIscsiVolumes({
    ...{ dir, host: 'one', serverUid, watchMs: 200, imagesDir: path.join(dir, 'images') },
    ...{ log: pino({ level: 'silent' }), answerMs: 60_000 },
    baseOf: async () => image,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
  harness = await qemuHarness({ volumes, netns })
})
afterAll(async () => {
  await harness?.destroy()
  await volumes?.close()
  for (const pid of await pidsOfServers()) process.kill(pid, 'SIGKILL')
  fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
  fs.rmSync(dir, { recursive: true })
  tgt?.stop()
  execFileSync('ip', ['netns', 'delete', netns])
})

const pidsOfServers = async () =>
  [...(await allServers())].flatMap(([at, pid]) => (at.startsWith(runtimeOf(dir)) ? [pid] : []))
/** Reads or writes by the server of the volume, because QEMU lets nobody but the guest's device write. */
function io(guest: string, volume: { id: string }, command: string): string {
  const socket = path.join(runtimeOf(dir), guest, volume.id.replaceAll('-', '').slice(0, 24), 's')
  const node = { driver: 'nbd', export: 'volume', server: { type: 'unix', path: socket } }
  return execFileSync('qemu-io', ['-c', command, `json:${JSON.stringify(node)}`], { encoding: 'utf8' })
}
const done = /^(wrote|read) 4096\/4096/

it('starts a guest from a LUN, gives it another one, makes that larger, and takes both back', async () => {
  const id = randomUUID()
  const pool = withoutSecret(tgt.pool)
  await volumes.makePool(op, tgt.pool)
  const base = { blobId: 'ab'.repeat(32), format: 'raw' as const, maxVirtualBytes: gib }
  const root = { id: randomUUID(), pool, readOnly: false, boot: true as const }
  const data = { id: randomUUID(), pool, readOnly: false }
  const wish = { ...root, sizeGib: 1, source: { kind: 'image' as const, base } }
  await expect.poll(() => volumes.ensureVolume(op, wish), { timeout: 60_000 }).not.toBeNull()
  const blank = { ...data, sizeGib: 1, source: null }
  await expect.poll(() => volumes.ensureVolume(op, blank), { timeout: 60_000 }).not.toBeNull()

  await harness.driver.ensure(op, { ...plainSpec(id), volumes: [root] })
  await harness.booted(id)
  for (let n = 0; n < 2; n += 1)
    expect(await harness.driver.plug(op, id, { nics: [], volumes: [root, data] })).toEqual([])
  expect(io(id, data, 'write -P 1 0 4096')).toMatch(done)
  expect(await volumes.growVolume(op, { ...data, sizeGib: 2 })).toMatchObject({ sizeBytes: 2 * gib })
  expect(io(id, data, `write -P 2 ${2 * gib - 4096} 4096`)).toMatch(done)
  await expect(volumes.removeVolume(op, data)).rejects.toMatchObject({ code: 'conflict' })
  const before = await pidsOfServers()
  expect(before.length).toBe(2)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await expect.poll(async () => (await pidsOfServers()).length, { timeout: 60_000 }).toBe(2)
  await harness.driver.reboot(op, id)
  await harness.booted(id)
  const pid = await harness.pidOf(id)
  expect(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(tgt.pool.secret)

  await harness.driver.plug(op, id, { nics: [], volumes: [root] })
  await harness.driver.plug(op, id, { nics: [], volumes: [root, data] })
  expect(io(id, data, 'read -P 1 0 4096')).toMatch(done)
  expect(io(id, data, `read -P 2 ${2 * gib - 4096} 4096`)).toMatch(done)
  await harness.driver.remove(op, id)
  for (const volume of [root, data]) await volumes.removeVolume(op, volume)
  expect(await volumes.listVolumes(op, tgt.pool)).toEqual([])
  expect(await pidsOfServers()).toEqual([])
})
