import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp, type Op } from '../op.ts'
import { createVolumeFiles } from '../volumes/files.ts'
import { keysFolder } from '../volumes/keys.ts'
import { backupConformance } from './conformance.ts'
import { createBackups } from './engine.ts'
import { createFolderStore } from './folder-store.ts'
import type { BackupSpec, ObservedBackup } from './interface.ts'
import type { BackupStore } from './store.ts'

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
let store: BackupStore = folder
const backups = createBackups({
  volumes,
  storeOf: (id) => (id === 'local' ? store : undefined),
  background: { answerMs: 60_000 },
})
beforeEach(() => {
  store = folder
})

const op = (): Op => backgroundOp(pino({ level: 'silent' }))
const pool = { driver: 'files' as const, id: 'local' }
const place = { driver: 'folder' as const, id: 'local' }
const [gib, mib] = [1024 ** 3, 1024 ** 2]

async function aVolume(sizeGib = 1) {
  const spec = { id: crypto.randomUUID(), pool, sizeGib, source: null }
  await volumes.ensureVolume(op(), spec)
  return { id: spec.id, pool }
}
type Volume = Awaited<ReturnType<typeof aVolume>>

/** Runs commands of qemu-io on the volume, as the QEMU of a guest would. */
async function io(volume: Volume, ...commands: string[]): Promise<string> {
  const guest = { id: crypto.randomUUID(), uid }
  const opened = await volumes.openVolume(op(), volume, guest)
  const layers = 'layers' in opened ? opened.layers : []
  const node = layers.reduce<Record<string, unknown> | null>(
    (backing, { path: filename, format }) => ({
      driver: format,
      file: { driver: 'file', filename },
      ...(format === 'qcow2' ? { backing } : {}),
    }),
    null,
  )
  try {
    return execFileSync(
      'qemu-io',
      [...commands.flatMap((one) => ['-c', one]), `json:${JSON.stringify(node)}`],
      {
        encoding: 'utf8',
      },
    )
  } finally {
    await volumes.closeVolumes(op(), guest.id, [])
  }
}
const write = (volume: Volume, at: number, length: number, byte: number) =>
  io(volume, `write -P ${byte} ${at} ${length}`)
async function expectBytes(volume: Volume, at: number, length: number, byte: number): Promise<void> {
  expect(await io(volume, `read -P ${byte} ${at} ${length}`)).not.toContain('verification failed')
}

const specOf = (volume: Volume, more: Partial<BackupSpec> = {}): BackupSpec => ({
  ...{ id: crypto.randomUUID(), volumeId: volume.id, store: place, snapshotId: null, pool, parent: null },
  ...more,
})
async function made(spec: BackupSpec): Promise<ObservedBackup> {
  const backup = await backups.ensureBackup(op(), spec)
  if (!backup) throw new Error('the backup takes a minute')
  return backup
}
const parentOf = ({ id, checksum }: ObservedBackup) => ({ id, checksum })
async function restored({ id, volumeId, checksum }: ObservedBackup, sizeGib = 1): Promise<Volume> {
  const volume = await aVolume(sizeGib)
  await backups.restoreBackup(op(), { backup: { id, volumeId, checksum, store: place }, volume })
  return volume
}
const remove = ({ id, volumeId }: ObservedBackup) =>
  backups.removeBackup(op(), { id, volumeId, store: place, pool })
/** All files of the backups of a volume in the store. */
const filesOf = ({ id }: Volume): string[] =>
  fs
    .readdirSync(path.join(storeDir, id), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))

describe('backups of volumes in files', () => {
  backupConformance(() => ({ driver: backups, volumes, op: op(), pool, store: place, uid }))

  test('a backup gives another volume the same bytes, and stores no zeros', async () => {
    const volume = await aVolume(2)
    await write(volume, 0, 5 * mib, 0x11)
    await write(volume, 2 * gib - mib, mib, 0x22)
    const spec = specOf(volume)
    const backup = await made(spec)
    expect(backup).toMatchObject({ sizeBytes: 2 * gib, chunks: 3, quiesced: true, parentId: null })
    expect(backup.storedBytes).toBeLessThan(mib)
    expect(await made(spec)).toEqual(backup)
    expect(await backups.getBackup(op(), spec)).toEqual(backup)
    const copy = await restored(backup, 3)
    await expectBytes(copy, 0, 5 * mib, 0x11)
    await expectBytes(copy, 5 * mib, 64 * mib, 0)
    await expectBytes(copy, 2 * gib - mib, mib, 0x22)
    await expectBytes(copy, 2 * gib, 64 * mib, 0)
    const listed = (await volumes.listVolumes(op(), pool)).find(({ id }) => id === copy.id)
    expect(listed?.usedBytes).toBeLessThan(8 * mib)
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
  })

  test('a further backup stores what has changed, and stays whole when the earlier one is removed', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    const first = await made(specOf(volume))
    await write(volume, 8 * mib, mib, 0x22)
    await io(volume, `write -z ${16 * mib} ${4 * mib}`)
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    expect(second).toMatchObject({ chunks: 1, parentId: first.id })
    await write(volume, 100 * mib, mib, 0x33)
    const third = await made(specOf(volume, { parent: parentOf(second) }))
    expect(third.chunks).toBe(1)
    await remove(first)
    expect(await backups.getBackup(op(), { ...specOf(volume), id: first.id })).toBeNull()
    await remove(second)
    const copy = await restored(third)
    await expectBytes(copy, 0, 8 * mib, 0x11)
    await expectBytes(copy, 8 * mib, mib, 0x22)
    await expectBytes(copy, 9 * mib, 7 * mib, 0x11)
    await expectBytes(copy, 16 * mib, 4 * mib, 0)
    await expectBytes(copy, 20 * mib, 20 * mib, 0x11)
    await expectBytes(copy, 100 * mib, mib, 0x33)
    // The first one's pieces that were written anew or have become zeros since are gone.
    expect(filesOf(volume)).toHaveLength(1 + (10 - 2) + 1 + 1)
    await remove(third)
    expect(filesOf(volume)).toEqual([])
  })

  test('only what has changed is read, also after layers were merged', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    const first = await made(specOf(volume))
    const snapshots = []
    for (const byte of [0x22, 0x33, 0x44]) {
      const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
      await volumes.ensureSnapshot(op(), snapshot)
      snapshots.push(snapshot)
      await write(volume, byte * mib, mib, byte)
    }
    for (const snapshot of snapshots) await volumes.removeSnapshot(op(), snapshot)
    expect((await volumes.mergeLayers(op(), volume)).mergeable).toBe(0)
    const reads: number[] = []
    const watching = createBackups({
      volumes: {
        ...volumes,
        async openFrozen(asked, key) {
          const frozen = await volumes.openFrozen(asked, key)
          return {
            ...frozen,
            read(at, length) {
              reads.push(at)
              return frozen.read(at, length)
            },
          }
        },
      },
      storeOf: () => store,
      background: { answerMs: 60_000 },
    })
    const second = await watching.ensureBackup(op(), specOf(volume, { parent: parentOf(first) }))
    expect(second?.chunks).toBe(3)
    expect(reads.toSorted((a, b) => a - b)).toEqual(
      [0x22, 0x33, 0x44].map((at) => Math.floor(at / 4) * 4 * mib),
    )
    if (!second) throw new Error('no backup')
    const copy = await restored(second)
    for (const byte of [0x22, 0x33, 0x44]) await expectBytes(copy, byte * mib, mib, byte)
    await expectBytes(copy, 0, 0x22 * mib, 0x11)
  })

  test('a further backup is right after the volume went back, was made larger or restored', async () => {
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 0x11)
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op(), snapshot)
    await write(volume, 0, 20 * mib, 0x22)
    const first = await made(specOf(volume))
    await volumes.revertVolume(op(), { ...volume, snapshotId: snapshot.id })
    await volumes.growVolume(op(), { ...volume, sizeGib: 2 })
    await write(volume, gib, mib, 0x33)
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    const copy = await restored(second, 2)
    await expectBytes(copy, 0, 8 * mib, 0x11)
    await expectBytes(copy, 8 * mib, 12 * mib, 0)
    await expectBytes(copy, gib, mib, 0x33)
    await backups.restoreBackup(op(), {
      backup: { id: first.id, volumeId: volume.id, checksum: first.checksum, store: place },
      volume,
    })
    await expectBytes(volume, 0, 20 * mib, 0x22)
    await expectBytes(volume, gib, mib, 0)
    const third = await made(specOf(volume, { parent: parentOf(second) }))
    const again = await restored(third, 2)
    await expectBytes(again, 0, 20 * mib, 0x22)
    await expectBytes(again, gib, mib, 0)
  })

  test('a backup of a snapshot has what the snapshot has', async () => {
    const volume = await aVolume()
    await write(volume, 0, mib, 0x11)
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op(), snapshot)
    await write(volume, 0, mib, 0x22)
    const now = await made(specOf(volume))
    const then = await made(specOf(volume, { snapshotId: snapshot.id, parent: parentOf(now) }))
    await expectBytes(await restored(then), 0, mib, 0x11)
    await volumes.removeSnapshot(op(), snapshot)
    const missing = backups.ensureBackup(op(), specOf(volume, { snapshotId: snapshot.id }))
    await expect(missing).rejects.toMatchObject({ code: 'not_found' })
  })

  test('random writes in many layers come back, byte by byte', async () => {
    const volume = await aVolume()
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    let last: ObservedBackup | null = null
    for (let round = 0; round < 3; round += 1) {
      const commands = Array.from({ length: 60 }, () => {
        const at = random(2 ** 18) * 4096
        const length = Math.min((1 + random(64)) * 4096, gib - at)
        return random(4) === 0 ? `write -z ${at} ${length}` : `write -P ${1 + random(255)} ${at} ${length}`
      })
      await io(volume, ...commands)
      last = await made(specOf(volume, { parent: last && parentOf(last) }))
      const copy = await restored(last)
      expect(await contentOf(copy)).toBe(await contentOf(volume))
    }
  })
})

/** The SHA-256 of all bytes of a volume, as qemu-img reads them. */
async function contentOf(volume: Volume): Promise<string> {
  const guest = { id: crypto.randomUUID(), uid }
  const opened = await volumes.openVolume(op(), volume, guest)
  const layers = 'layers' in opened ? opened.layers : []
  const node = layers.reduce<Record<string, unknown> | null>(
    (backing, { path: filename, format }) => ({
      driver: format,
      file: { driver: 'file', filename },
      ...(format === 'qcow2' ? { backing } : {}),
    }),
    null,
  )
  const raw = path.join(root, 'content.raw')
  execFileSync('qemu-img', ['convert', '-O', 'raw', `json:${JSON.stringify(node)}`, raw])
  await volumes.closeVolumes(op(), guest.id, [])
  return execFileSync('sha256sum', [raw], { encoding: 'utf8' }).slice(0, 64)
}

describe('backups that are disturbed', () => {
  test('a damaged or missing piece is refused, and the volume keeps what it has', async () => {
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 0x11)
    const backup = await made(specOf(volume))
    const target = await aVolume()
    await write(target, 0, mib, 0x55)
    const [piece = ''] = filesOf(volume).filter((file) => !file.endsWith('.json'))
    const content = fs.readFileSync(piece)
    content[content.length - 3] = (content.at(-3) ?? 0) ^ 1
    fs.writeFileSync(piece, content)
    const { id, volumeId, checksum } = backup
    const spec = { backup: { id, volumeId, checksum, store: place }, volume: target }
    const failure = { code: 'failed', message: expect.stringContaining('damaged') }
    await expect(backups.restoreBackup(op(), spec)).rejects.toMatchObject(failure)
    fs.rmSync(piece)
    await expect(backups.restoreBackup(op(), spec)).rejects.toMatchObject({ code: 'failed' })
    await expectBytes(target, 0, mib, 0x55)
    const index = path.join(storeDir, volumeId, `${id}.json`)
    fs.writeFileSync(index, fs.readFileSync(index, 'utf8').replace('"added":2', '"added":3'))
    await expect(backups.restoreBackup(op(), spec)).rejects.toMatchObject({ code: 'failed' })
    await expect(made(specOf(volume, { parent: { id, checksum } }))).rejects.toMatchObject({ code: 'failed' })
  })

  test('a store whose folder is not mounted is unavailable, and never empty', async () => {
    const volume = await aVolume()
    const backup = await made(specOf(volume))
    fs.renameSync(storeDir, `${storeDir}.away`)
    fs.mkdirSync(storeDir)
    const key = { ...specOf(volume), id: backup.id }
    for (const call of [
      () => backups.getBackup(op(), key),
      () => backups.probeStore(op(), place),
      () => backups.ensureBackup(op(), specOf(volume)),
      () => backups.removeBackup(op(), { ...key, pool: null }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'unavailable' })
    expect(fs.readdirSync(storeDir)).toEqual([])
    fs.rmdirSync(storeDir)
    fs.renameSync(`${storeDir}.away`, storeDir)
    expect(await backups.getBackup(op(), key)).toMatchObject({ id: backup.id })
  })

  test('another restore of a volume takes the place of the first one', async () => {
    const volume = await aVolume()
    await write(volume, 0, mib, 0x11)
    const first = await made(specOf(volume))
    await write(volume, 0, mib, 0x22)
    const second = await made(specOf(volume))
    const target = await aVolume()
    const go = Promise.withResolvers<void>()
    const restore = ({ id, volumeId, checksum }: ObservedBackup) =>
      hasty.restoreBackup(op(), { backup: { id, volumeId, checksum, store: place }, volume: target })
    const hasty = createBackups({ volumes, storeOf: () => store, background: { answerMs: 10 } })
    store = {
      ...folder,
      async read(name) {
        if (name.includes(`${first.id}/`)) await go.promise
        return folder.read(name)
      },
    }
    expect(await restore(first)).toBeNull()
    setTimeout(go.resolve, 100)
    while (!(await restore(second)));
    await expectBytes(target, 0, mib, 0x22)
    const dir = path.join(root, 'host/volumes/local/data', target.id)
    expect(fs.readdirSync(dir).filter((name) => name.endsWith('.draft'))).toEqual([])
  })

  test('the removal of a volume removes what its backups have kept, unless a backup reads it', async () => {
    const volume = await aVolume()
    const kept = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    const frozen = await volumes.openFrozen(op(), { ...kept, snapshotId: null })
    await expect(volumes.removeVolume(op(), volume)).rejects.toMatchObject({ code: 'unavailable' })
    await frozen.close()
    await volumes.removeVolume(op(), volume)
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
  })

  test('an interrupted backup goes on with the same content', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    const spec = specOf(volume)
    const begun = Promise.withResolvers<void>()
    const interrupted = Promise.withResolvers<void>()
    const seen: AbortSignal[] = []
    const agent = createBackups({
      volumes: {
        ...volumes,
        openFrozen(asked, key) {
          seen.push(asked.signal)
          return volumes.openFrozen(asked, key)
        },
      },
      storeOf: () => ({
        ...folder,
        async write(name, bytes) {
          if (!name.endsWith('.draft')) {
            begun.resolve()
            await interrupted.promise
          }
          await folder.write(name, bytes)
        },
      }),
      background: { answerMs: 10, forgetMs: 3_000 },
    })
    expect(await agent.ensureBackup(op(), spec)).toBeNull()
    await begun.promise
    await vi.waitFor(() => expect(seen[0]?.aborted).toBe(true), 10_000)
    interrupted.resolve()
    await write(volume, 0, mib, 0x22)
    await expectBytes(await restored(await made(spec)), 0, 40 * mib, 0x11)
  })

  test('a failed backup keeps nothing and is made anew, and its removal leaves nothing', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    let writes = 0
    store = {
      ...folder,
      async write(name, bytes) {
        writes += 1
        if (writes === 6) throw new Error('the machine has gone')
        await folder.write(name, bytes)
      },
    }
    const spec = specOf(volume)
    await expect(backups.ensureBackup(op(), spec)).rejects.toThrow('the machine has gone')
    store = folder
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
    await write(volume, 0, mib, 0x22)
    const backup = await made(spec)
    const copy = await restored(backup)
    await expectBytes(copy, 0, mib, 0x22)
    await expectBytes(copy, mib, 39 * mib, 0x11)
    const again = specOf(volume)
    store = { ...folder, write: () => Promise.reject(new Error('the machine has gone')) }
    await expect(backups.ensureBackup(op(), again)).rejects.toThrow('the machine has gone')
    store = folder
    await backups.removeBackup(op(), { id: again.id, volumeId: volume.id, store: place, pool })
    await remove(backup)
    expect(filesOf(volume)).toEqual([])
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
  })

  test('the parent of a backup that is being made can be removed at any moment', async () => {
    const volume = await aVolume()
    await write(volume, 0, 20 * mib, 0x11)
    for (let moment = 0; moment < 6; moment += 1) {
      const parent = await made(specOf(volume))
      await write(volume, 0, mib, moment + 1)
      let calls = 0
      const meanwhile = async () => {
        calls += 1
        if (calls === moment + 1) await remove(parent)
      }
      store = {
        ...folder,
        async write(...args) {
          await meanwhile()
          await folder.write(...args)
        },
        async list(name) {
          await meanwhile()
          return folder.list(name)
        },
      }
      const child = await backups
        .ensureBackup(op(), specOf(volume, { parent: parentOf(parent) }))
        .catch((error: unknown) => error as Error)
      store = folder
      if (child instanceof Error) expect(child).toMatchObject({ code: 'not_found' })
      else if (child) {
        const copy = await restored(child)
        await expectBytes(copy, 0, mib, moment + 1)
        await expectBytes(copy, mib, 19 * mib, 0x11)
      }
    }
  })

  test('a layer with a table that leads nowhere or has compressed clusters is refused', async () => {
    const volume = await aVolume()
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op(), snapshot)
    await write(volume, 0, mib, 0x11)
    const layer = path.join(root, 'host/volumes/local/data', volume.id, '1.qcow2')
    const bytes = fs.readFileSync(layer)
    const table = Number(bytes.readBigUInt64BE(40))
    const second = Number(bytes.readBigUInt64BE(table) & 0x00fffffffffffe00n)
    const compressed = Buffer.from(bytes)
    compressed.writeBigUInt64BE((1n << 62n) | 0x50000n, second)
    fs.writeFileSync(layer, compressed)
    await expect(made(specOf(volume))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('compressed'),
    })
    const astray = Buffer.from(bytes)
    astray.writeBigUInt64BE(0x00fffffffffffe00n, second)
    const other = await aVolume()
    await volumes.ensureSnapshot(op(), { ...snapshot, id: crypto.randomUUID(), volumeId: other.id })
    fs.writeFileSync(path.join(root, 'host/volumes/local/data', other.id, '1.qcow2'), astray)
    await expect(made(specOf(other))).rejects.toThrow()
  })

  test('no guest may have a volume that is restored', async () => {
    const volume = await aVolume()
    const { id, volumeId, checksum } = await made(specOf(volume))
    const guest = { id: crypto.randomUUID(), uid }
    await volumes.openVolume(op(), volume, guest)
    const spec = { backup: { id, volumeId, checksum, store: place }, volume }
    await expect(backups.restoreBackup(op(), spec)).rejects.toMatchObject({ code: 'conflict' })
    await volumes.closeVolumes(op(), guest.id, [])
  })
})
