import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { createVolumeFiles } from '../volumes/files.ts'
import { keysFolder } from '../volumes/keys.ts'
import { backupConformance } from './conformance.ts'
import { backupBytesConformance, backupTools } from './conformance-bytes.ts'
import { createBackups } from './engine.ts'
import { createFolderStore } from './folder-store.ts'
import type { ObservedBackup } from './interface.ts'
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

const pool = { driver: 'files' as const, id: 'local' }
const place = { driver: 'folder' as const, id: 'local' }
const mib = 1024 ** 2

const bench = () => ({
  ...{ volumes, store, storeDir, pool, uid },
  kept: () => fs.readdirSync(path.join(root, 'host/volumes/local/frozen')),
})
const { op, aVolume, write, expectBytes, specOf, made, parentOf, restored, remove, filesOf } =
  backupTools(bench)

describe('backups of volumes in files', () => {
  backupConformance(() => ({ driver: backups, volumes, op: op(), pool, store: place, uid }))
  backupBytesConformance(bench)
})

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
    await expectBytes(target, [0, mib, 0x55])
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
    await expectBytes(target, [0, mib, 0x22])
    const dir = path.join(root, 'host/volumes/local/data', target.id)
    expect(fs.readdirSync(dir).filter((name) => name.endsWith('.draft'))).toEqual([])
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
    await expectBytes(await restored(await made(spec)), [0, 40 * mib, 0x11])
  })

  test('a failed backup keeps nothing and is made anew, and its removal leaves nothing', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    let writes = 0
    store = {
      ...folder,
      async writeLater(work, name, parts) {
        writes += 1
        if (writes === 6) throw new Error('the machine has gone')
        await folder.writeLater(work, name, parts)
      },
    }
    const spec = specOf(volume)
    await expect(backups.ensureBackup(op(), spec)).rejects.toThrow('the machine has gone')
    store = folder
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
    expect(filesOf(volume)).toEqual([])
    await write(volume, 0, mib, 0x22)
    const backup = await made(spec)
    const copy = await restored(backup)
    await expectBytes(copy, [0, mib, 0x22], [mib, 39 * mib, 0x11])
    const again = specOf(volume)
    store = { ...folder, writeLater: () => Promise.reject(new Error('the machine has gone')) }
    await expect(backups.ensureBackup(op(), again)).rejects.toThrow('the machine has gone')
    store = folder
    await backups.removeBackup(op(), { id: again.id, volumeId: volume.id, store: place, pool })
    await remove(backup)
    expect(filesOf(volume)).toEqual([])
    expect(fs.readdirSync(path.join(root, 'host/volumes/local/frozen'))).toEqual([])
  })

  test('a backup whose index is written keeps its content, whatever fails afterwards', async () => {
    const volume = await aVolume()
    await write(volume, 0, 20 * mib, 0x11)
    const spec = specOf(volume)
    store = {
      ...folder,
      async settle(name) {
        if (name === volume.id) throw new Error('the folder does not answer')
        await folder.settle(name)
      },
    }
    await expect(backups.ensureBackup(op(), spec)).rejects.toThrow('the folder does not answer')
    store = folder
    await expectBytes(await restored(await made(spec)), [0, 20 * mib, 0x11])
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
        await expectBytes(copy, [0, mib, moment + 1], [mib, 19 * mib, 0x11])
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
