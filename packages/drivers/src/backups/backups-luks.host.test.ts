import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp, type Op } from '../op.ts'
import { createVolumeFiles } from '../volumes/files.ts'
import { keysFolder } from '../volumes/keys.ts'
import { qemuBytes } from '../volumes/testing.ts'
import { createBackups } from './engine.ts'
import { createFolderStore } from './folder-store.ts'
import type { BackupSpec, ObservedBackup } from './interface.ts'

const root = fs.mkdtempSync('/var/tmp/stratolith-backups-')
fs.chmodSync(root, 0o711)
const keysDir = keysFolder('test', crypto.randomUUID())
afterAll(() => {
  for (const dir of [root, keysDir]) fs.rmSync(dir, { recursive: true, force: true })
})
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const { first: uid } = uids.guests

const volumes = createVolumeFiles({
  dir: path.join(root, 'host'),
  imagesDir: path.join(root, 'images'),
  keysDir,
  withGuest: (_op, _id, work) => work(null),
  baseOf: async () => null,
})
const storeDir = path.join(root, 'store')
const folder = createFolderStore(storeDir, path.join(root, 'backup-store.json'))
const backups = createBackups({
  volumes,
  storeOf: (id) => (id === 'local' ? folder : undefined),
  background: { answerMs: 60_000 },
})
const op = (): Op => backgroundOp(pino({ level: 'silent' }))
const pool = { driver: 'files' as const, id: 'local' }
const place = { driver: 'folder' as const, id: 'local' }
const gib = 1024 ** 3
const mib = 1024 ** 2

async function aVolume(sizeGib = 1) {
  const spec = { id: crypto.randomUUID(), pool, sizeGib, source: null }
  await volumes.ensureVolume(op(), spec)
  return { id: spec.id, pool }
}
type Volume = Awaited<ReturnType<typeof aVolume>>

test('a backup of an encrypted volume has ciphertext alone, and is restored where the key is the same, also into a larger volume', async () => {
  const encryption = { key: Buffer.alloc(32, 7).toString('base64'), keyBits: 512 as const }
  const other = { key: Buffer.alloc(32, 8).toString('base64'), keyBits: 256 as const }
  async function encrypted(sizeGib: number, how: typeof encryption | typeof other): Promise<Volume> {
    const volume = { id: crypto.randomUUID(), pool }
    while (!(await volumes.ensureVolume(op(), { ...volume, sizeGib, source: null, encryption: how })));
    return volume
  }
  const used = async (
    volume: Volume,
    work: (
      bytes: (at: number, byte: number) => Promise<boolean>,
      write: (at: number, byte: number) => Promise<void>,
    ) => Promise<void>,
  ) => {
    const guest = { id: crypto.randomUUID(), uid }
    await volumes.giveKeys(op(), { keys: [{ id: volume.id, key: encryption.key }] })
    const opened = await volumes.openVolume(op(), volume, guest)
    await work(
      (at, byte) => qemuBytes.are(opened, uid, { at, length: 4096 }, byte),
      (at, byte) => qemuBytes.write(opened, uid, { at, length: 4096 }, byte),
    )
    await volumes.closeVolumes(op(), guest.id, [])
  }
  const volume = await encrypted(1, encryption)
  await used(volume, async (_are, put) => {
    await put(0, 0x5a)
    await put(gib - 4096, 0x5b)
  })
  const spec = (parent: ObservedBackup | null): BackupSpec => ({
    ...{ id: crypto.randomUUID(), volumeId: volume.id, store: place, snapshotId: null, pool },
    parent: parent && { id: parent.id, checksum: parent.checksum },
  })
  const full = await backups.ensureBackup(op(), spec(null))
  expect(full).toMatchObject({ sizeBytes: gib })
  await used(volume, (_are, put) => put(64 * mib, 0x5c))
  const next = await backups.ensureBackup(op(), spec(full))
  expect(next).toMatchObject({ sizeBytes: gib, chunks: 1 })
  if (!next) throw new Error('the backup is not made')
  const restore = (into: Volume) =>
    backups.restoreBackup(op(), {
      backup: { id: next.id, volumeId: volume.id, store: place, checksum: next.checksum },
      volume: into,
    })
  const larger = await encrypted(2, encryption)
  await restore(larger)
  await used(larger, async (are) => {
    expect(await are(0, 0x5a)).toBe(true)
    expect(await are(gib - 4096, 0x5b)).toBe(true)
    expect(await are(64 * mib, 0x5c)).toBe(true)
  })
  for (const wrong of [await aVolume(), await encrypted(1, other)])
    await expect(restore(wrong)).rejects.toMatchObject({ code: 'invalid' })
})
