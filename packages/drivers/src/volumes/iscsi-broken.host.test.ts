import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backupTools } from '../backups/conformance-bytes.ts'
import { createFolderStore } from '../backups/folder-store.ts'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { createIscsiVolumes, type IscsiVolumes } from './iscsi.ts'
import { markBytes, markIn, slots } from './lun-mark.ts'
import { runtimeOf } from './rbd-open.ts'
import { startTgt, type TestTgt } from './tgt.testing.ts'
import { allServers } from './volume-server.ts'

const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const { probe, guests } = uids
const root = fs.mkdtempSync('/var/tmp/strato-broken-luns-')
fs.chmodSync(root, 0o711)
const dir = path.join(root, 'one')
const lunMib = 1024 + 1
let tgt: TestTgt
let files: string[]
let volumes: IscsiVolumes
beforeAll(async () => {
  tgt = await startTgt()
  files = [1, 2, 3].map((lun) => tgt.addLun(1, lun, lunMib))
  fs.mkdirSync(dir, { mode: 0o711 })
  volumes = createIscsiVolumes({
    ...{ dir, host: 'one', log: pino({ level: 'silent' }), serverUid: probe, answerMs: 60_000 },
    imagesDir: path.join(root, 'images'),
    withGuest: (_op, _id, work) => work(null),
    baseOf: async () => null,
  })
  await volumes.makePool(op(), tgt.pool)
})
afterAll(async () => {
  await volumes?.close()
  // A test that has failed leaves servers.
  for (const [at, pid] of await allServers()) if (at.startsWith(runtimeOf(dir))) process.kill(pid, 'SIGKILL')
  fs.rmSync(runtimeOf(dir), { recursive: true, force: true })
  tgt?.stop()
  fs.rmSync(root, { recursive: true, force: true })
})
const storeDir = path.join(root, 'store')
const store = createFolderStore(storeDir, path.join(root, 'backup-store.json'))
const tools = backupTools(() => ({
  ...{ volumes, store, storeDir, pool: tgt.pool, uid: guests.first, kept: () => [] },
}))
const { op, aVolume, write, expectBytes, specOf, made, restored, remove } = tools
const mib = 1024 ** 2

/** The number of the LUN with the volume, which is free again when the tests have removed the volume. */
function lunOf({ id }: { id: string }): number {
  const at = files.findIndex((file) => {
    const bytes = fs.readFileSync(file).subarray(0, markBytes)
    return slots.some((slot) => markIn(bytes.subarray(slot, slot + 512))?.id === id)
  })
  if (at === -1) throw new Error(`no LUN has the volume ${id}`)
  return at + 1
}
const headOf = (file: string) => fs.readFileSync(file).subarray(0, markBytes)
function putHead(file: string, head: Buffer): void {
  fs.truncateSync(file, lunMib * mib)
  const handle = fs.openSync(file, 'r+')
  fs.writeSync(handle, head, 0, head.length, 0)
  fs.closeSync(handle)
}

test('a backup of many chunks and its restore end, and bring the same bytes', async () => {
  const volume = await aVolume()
  for (let no = 0; no < 9; no += 1) await write(volume, no * 4 * mib + 1024, 2 * mib, no + 1)
  const backup = await made(specOf(volume))
  expect(backup.chunks).toBe(9)
  const copy = await restored(backup)
  await expectBytes(
    copy,
    ...Array.from({ length: 9 }, (_, no): [number, number, number] => [no * 4 * mib + 1024, 2 * mib, no + 1]),
    [38 * mib, mib, 0],
  )
  await remove(backup)
  for (const one of [volume, copy]) await volumes.removeVolume(op(), one)
})

test('a LUN that fails keeps no guest without it from starting and stopping, and no volume from being removed', async () => {
  const [broken, sound] = [await aVolume(), await aVolume()]
  const file = files[lunOf(broken) - 1] ?? ''
  const head = headOf(file)
  fs.truncateSync(file, 0)
  const ids = (await volumes.listVolumes(op(), tgt.pool)).map(({ id }) => id)
  expect(ids.toSorted()).toEqual([broken.id, sound.id].toSorted())
  await write(sound, 0, 4096, 7)
  await expectBytes(sound, [0, 4096, 7])
  expect(await volumes.probePool(op(), tgt.pool)).toMatchObject({ totalGib: 2 })
  await expect(volumes.removeVolume(op(), broken)).rejects.toMatchObject({ code: 'unavailable' })
  const again = { ...broken, sizeGib: 1, source: null }
  await expect(volumes.ensureVolume(op(), again)).rejects.toMatchObject({ code: 'unavailable' })
  await volumes.removeVolume(op(), sound)
  putHead(file, head)
  await volumes.removeVolume(op(), broken)
  expect(await volumes.listVolumes(op(), tgt.pool)).toEqual([])
})

test('a volume whose LUN is not shown any more is neither gone nor made again, and others go on', async () => {
  const volume = await aVolume()
  const number = lunOf(volume)
  const head = headOf(files[number - 1] ?? '')
  tgt.removeLun(1, number)
  const unsure = {
    code: 'unavailable',
    message: expect.stringMatching(/is not shown by the target any more/),
  }
  await expect(volumes.removeVolume(op(), volume)).rejects.toMatchObject(unsure)
  const again = { ...volume, sizeGib: 1, source: null }
  await expect(volumes.ensureVolume(op(), again)).rejects.toMatchObject(unsure)
  expect(await volumes.listVolumes(op(), tgt.pool)).toMatchObject([{ id: volume.id, sizeBytes: 1024 ** 3 }])
  const other = await aVolume()
  await volumes.removeVolume(op(), other)
  putHead(tgt.addLun(1, number, lunMib), head)
  await volumes.removeVolume(op(), volume)
  expect(await volumes.listVolumes(op(), tgt.pool)).toEqual([])
})
