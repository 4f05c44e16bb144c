import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DriverError } from '../errors.ts'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp } from '../op.ts'
import { createFilesDriver } from '../storage/files.ts'
import { openImageStore } from '../storage/image-store.ts'
import { type VolumeBench, volumeConformance } from './conformance.ts'
import { createVolumeFiles } from './files.ts'
import type { OpenedVolume, RunningGuest, VolumeSpec } from './interface.ts'
import { keysFolder } from './keys.ts'
import { mostShared } from './making.ts'
import { qemuBytes as bytes } from './testing.ts'

const root = fs.mkdtempSync('/var/tmp/stratolith-volumes-')
fs.chmodSync(root, 0o711)
const imagesDir = path.join(root, 'images')
const store = openImageStore(imagesDir)
const dir = path.join(root, 'hosts/one')
const storage = createFilesDriver({ imagesDir, dir })
const keysDir = keysFolder('test', crypto.randomUUID())
/** The guest that has a volume, while it runs. */
let running: RunningGuest | null = null
const driver = createVolumeFiles({
  dir,
  imagesDir,
  keysDir,
  withGuest: (_op, _id, work) => work(running),
  async baseOf(op, base) {
    await storage.ensureBase(op, base)
    return storage.basePath(base.blobId)
  },
})
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const uid = uids.guests.first
const op = () => backgroundOp(pino({ level: 'silent' }))
const pool = { driver: 'files' as const, id: 'local' }
const otherPool = { ...pool, id: crypto.randomUUID(), path: path.join(root, 'other') }
beforeAll(async () => {
  fs.mkdirSync(otherPool.path, { mode: 0o755 })
  await driver.makePool(op(), otherPool)
})
afterAll(() => {
  for (const folder of [root, keysDir]) fs.rmSync(folder, { recursive: true, force: true })
})

async function blob(bytes: Buffer): Promise<string> {
  const id = crypto.randomUUID()
  const { sha256 } = await store.stage(id, Readable.from([bytes]), { maxBytes: 1e9 })
  await store.commit(id, sha256)
  return sha256
}
/** An empty qcow2 is a small file, whatever size it says. */
function largeImage(): Promise<string> {
  const file = path.join(root, 'large.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, '2G'])
  return blob(fs.readFileSync(file))
}

/** 32 bytes in base64, as the control plane makes keys. */
const key = Buffer.alloc(32, 7).toString('base64')
const bench = (): VolumeBench => ({
  driver,
  op: op(),
  pool,
  otherPool,
  uid,
  image: () => blob(Buffer.alloc(1024 ** 2, 0xaa)),
  largeImage,
  exports: store,
  bytes,
})

describe('encrypted volumes in files', () => {
  volumeConformance(bench, { encryption: { key, keyBits: 512 } })
})

describe('volumes in files', () => {
  volumeConformance(bench)

  const local = path.join(dir, 'volumes/local')
  /** Reads the image of a volume as the image store gets it. */
  async function exported(key: { id: string }, format: 'raw' | 'qcow2'): Promise<string> {
    const wish = { id: key.id, pool, exportId: crypto.randomUUID(), format }
    while (!(await driver.exportVolume(op(), wish)));
    return path.join(imagesDir, 'exports', `${wish.exportId}.img`)
  }
  const fromImage = async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 0xaa))
    const base = { blobId, format: 'raw' as const, maxVirtualBytes: 1024 ** 3 }
    const spec = { id: crypto.randomUUID(), pool, sizeGib: 1, source: { kind: 'image' as const, base } }
    await driver.ensureVolume(op(), spec)
    return spec
  }

  test('a volume that is copied again and again keeps few layers, and so do chains of copies', async () => {
    const layersOf = (id: string): { name: string }[] =>
      JSON.parse(fs.readFileSync(path.join(local, 'data', id, 'volume.json'), 'utf8')).layers
    const made = async (source: VolumeSpec['source']) => {
      const spec = { id: crypto.randomUUID(), pool, sizeGib: 1, source }
      while (!(await driver.ensureVolume(op(), spec)));
      return spec
    }
    const used = async (key: { id: string }, work: (opened: OpenedVolume) => Promise<void>) => {
      const guest = { id: crypto.randomUUID(), uid }
      await work(await driver.openVolume(op(), { ...key, pool }, guest))
      await driver.closeVolumes(op(), guest.id, [])
    }
    const write = (n: number) => (opened: OpenedVolume) =>
      bytes.write(opened, uid, { at: n * 65_536, length: 4096 }, n + 1)
    const has = (count: number) => async (opened: OpenedVolume) => {
      for (let n = 0; n < count; n += 1)
        expect(await bytes.are(opened, uid, { at: n * 65_536, length: 4096 }, n + 1)).toBe(true)
    }
    const nightly = await made(null)
    let last: { id: string } | null = null
    for (let night = 0; night < 12; night += 1) {
      await used(nightly, write(night))
      const copy = await made({ kind: 'volume', id: nightly.id })
      if (last) await driver.removeVolume(op(), { id: last.id, pool })
      last = copy
      await driver.mergeLayers(op(), { id: nightly.id, pool })
      await used(copy, has(night + 1))
      expect(layersOf(nightly.id).length).toBeLessThanOrEqual(mostShared + 2)
    }
    const chain = [nightly]
    for (let n = 12; n < 24; n += 1) {
      const copy = await made({ kind: 'volume', id: chain.at(-1)?.id ?? '' })
      await used(copy, write(n))
      expect(layersOf(copy.id).length).toBeLessThanOrEqual(mostShared + 1)
      chain.push(copy)
    }
    await used(chain.at(-1) ?? nightly, has(24))
    for (const { id } of [...chain, ...(last ? [last] : [])]) await driver.removeVolume(op(), { id, pool })
    expect(fs.readdirSync(path.join(local, 'exports'))).toEqual([])
  }, 300_000)

  test('a volume is not given back while a process of the guest has it open', async () => {
    const spec = { id: crypto.randomUUID(), pool, sizeGib: 1, source: null }
    await driver.ensureVolume(op(), spec)
    const guest = { id: crypto.randomUUID(), uid }
    await driver.openVolume(op(), spec, guest)
    const file = path.join(local, 'open', guest.id, `${spec.id}-0.raw`)
    const who = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
    const own = spawn('setpriv', [...who, 'sh', '-c', 'exec 9<>"$0" && echo open && exec sleep 100', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => own.stdout.once('data', resolve))
    const said = { code: 'failed', message: expect.stringContaining(`process ${own.pid} of the guest`) }
    await expect(driver.closeVolumes(op(), guest.id, [])).rejects.toMatchObject(said)
    const other = { id: crypto.randomUUID(), uid: uid + 1 }
    await expect(driver.removeVolume(op(), spec)).rejects.toMatchObject({ code: 'conflict' })
    own.kill('SIGKILL')
    await new Promise((resolve) => own.once('exit', resolve))
    await driver.closeVolumes(op(), guest.id, [])
    await driver.openVolume(op(), spec, other)
    await driver.closeVolumes(op(), other.id, [])
    await driver.removeVolume(op(), spec)
  })

  test('an image of a volume has the bytes of all of its layers, in one file that the image store alone may read', async () => {
    const spec = await fromImage()
    const guest = { id: crypto.randomUUID(), uid }
    const before = await driver.openVolume(op(), spec, guest)
    await bytes.write(before, uid, { at: 4096, length: 4096 }, 1)
    await driver.closeVolumes(op(), guest.id, [])
    await driver.ensureSnapshot(op(), { id: crypto.randomUUID(), volumeId: spec.id, pool })
    const after = await driver.openVolume(op(), spec, guest)
    await bytes.write(after, uid, { at: 8192, length: 4096 }, 2)
    await driver.closeVolumes(op(), guest.id, [])
    const owner = fs.statSync(path.join(imagesDir, 'blobs')).uid
    for (const format of ['raw', 'qcow2'] as const) {
      const file = await exported(spec, format)
      const { uid: owned, mode } = fs.statSync(file)
      expect([owned, mode & 0o777]).toEqual([owner, 0o400])
      const info = JSON.parse(
        execFileSync('qemu-img', ['info', '--output=json', '-f', format, file], { encoding: 'utf8' }),
      )
      expect(info).toMatchObject({ 'virtual-size': 1024 ** 3 })
      expect(info['backing-filename']).toBeUndefined()
      for (const [at, byte] of [
        [0, 0xaa],
        [4096, 1],
        [8192, 2],
        [2 * 1024 ** 2, 0],
      ])
        expect(
          execFileSync('qemu-io', ['-r', '-f', format, '-c', `read -P ${byte} ${at} 4096`, file], {
            encoding: 'utf8',
          }),
        ).not.toContain('Pattern verification failed')
    }
    expect(fs.readdirSync(path.join(local, 'exports'))).toEqual([])
  })

  test('an export goes on after an agent that was killed while it wrote the file', async () => {
    const spec = await fromImage()
    const exportId = crypto.randomUUID()
    const snapshot = { id: exportId, volumeId: spec.id, pool }
    await driver.ensureSnapshot(op(), snapshot)
    fs.renameSync(path.join(local, 'snapshots', exportId), path.join(local, 'exports', exportId))
    fs.writeFileSync(path.join(imagesDir, 'exports', `${exportId}.img.part`), 'half')
    const wish = { id: spec.id, pool, exportId, format: 'qcow2' as const }
    while (!(await driver.exportVolume(op(), wish)));
    expect(fs.readdirSync(path.join(local, 'exports'))).toEqual([])
    expect(fs.existsSync(path.join(imagesDir, 'exports', `${exportId}.img.part`))).toBe(false)
    await driver.removeExport(op(), wish)
  })

  test('an export that nobody has removed for a day goes when the next one is written', async () => {
    const spec = await fromImage()
    const file = await exported(spec, 'qcow2')
    await exported(spec, 'qcow2')
    expect(fs.existsSync(file)).toBe(true)
    const old = (Date.now() - 2 * 86_400_000) / 1000
    fs.utimesSync(file, old, old)
    await exported(spec, 'qcow2')
    expect(fs.existsSync(file)).toBe(false)
  })

  test('a volume of an image grows so much that its tables grow, and keeps its bytes', async () => {
    const spec = await fromImage()
    const size = { id: spec.id, pool, sizeGib: 100_000 }
    for (let n = 0; n < 2; n += 1)
      expect(await driver.growVolume(op(), size)).toMatchObject({ sizeBytes: 100_000 * 1024 ** 3 })
    const guest = { id: crypto.randomUUID(), uid }
    const opened = await driver.openVolume(op(), spec, guest)
    expect(fs.statSync(path.join(local, 'data', spec.id, '1.qcow2')).uid).toBe(uid)
    expect(await bytes.are(opened, uid, { at: 0, length: 4096 }, 0xaa)).toBe(true)
    expect(await bytes.are(opened, uid, { at: 99_999 * 1024 ** 3, length: 4096 }, 0)).toBe(true)
    await driver.closeVolumes(op(), guest.id, [])
  })

  test('a layer whose header names another file for the data is neither opened nor grown', async () => {
    const spec = await fromImage()
    const [canary, evil] = [path.join(root, 'canary'), path.join(root, 'evil.qcow2')]
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${canary}`, evil, '1G'])
    fs.writeFileSync(canary, 'canary')
    fs.writeFileSync(path.join(local, 'data', spec.id, '1.qcow2'), fs.readFileSync(evil))
    const failed = { code: 'failed' }
    await expect(driver.growVolume(op(), { id: spec.id, pool, sizeGib: 2 })).rejects.toMatchObject(failed)
    const guest = { id: crypto.randomUUID(), uid }
    await expect(driver.openVolume(op(), spec, guest)).rejects.toMatchObject(failed)
    expect(fs.readFileSync(canary, 'utf8')).toBe('canary')
    expect(fs.existsSync(path.join(local, 'open', guest.id))).toBe(false)
    await driver.removeVolume(op(), spec)
  })

  test('a volume has few layers however many snapshots came and went, also for a guest that has the volume and is stopped', async () => {
    const spec = await fromImage()
    const guest = { id: crypto.randomUUID(), uid }
    await driver.openVolume(op(), spec, guest)
    const filesOf = (folder: string) => fs.readdirSync(folder).filter((name) => name.endsWith('.qcow2'))
    for (let n = 0; n < 5; n += 1) {
      const snapshot = { id: crypto.randomUUID(), volumeId: spec.id, pool }
      await driver.ensureSnapshot(op(), snapshot)
      await driver.removeSnapshot(op(), snapshot)
    }
    const [listed] = (await driver.listVolumes(op(), pool)).filter(({ id }) => id === spec.id)
    expect(listed?.mergeable).toBe(4)
    await driver.mergeLayers(op(), spec)
    expect(filesOf(path.join(local, 'data', spec.id))).toEqual(['1.qcow2', '6.qcow2'])
    expect(filesOf(path.join(local, 'open', guest.id)).sort()).toEqual(
      ['1.qcow2', '6.qcow2'].map((name) => `${spec.id}-${name}`),
    )
    expect(fs.statSync(path.join(local, 'data', spec.id, '1.qcow2'))).toMatchObject({ uid: 0, nlink: 2 })
    const opened = await driver.openVolume(op(), spec, guest)
    expect(await bytes.are(opened, uid, { at: 0, length: 4096 }, 0xaa)).toBe(true)
    await driver.closeVolumes(op(), guest.id, [])
    await driver.removeVolume(op(), spec)
  })

  const manifestOf = (id: string) => path.join(local, 'data', id, 'volume.json')
  /** A volume of an image with three more layers, of which a snapshot needs the lower ones; each layer has a byte of its own. */
  async function layered() {
    const spec = await fromImage()
    const guest = { id: crypto.randomUUID(), uid }
    const write = async (at: number, byte: number) => {
      const opened = await driver.openVolume(op(), spec, guest)
      await bytes.write(opened, uid, { at, length: 4096 }, byte)
      await driver.closeVolumes(op(), guest.id, [])
    }
    const kept = { id: crypto.randomUUID(), volumeId: spec.id, pool }
    const other = { id: crypto.randomUUID(), volumeId: spec.id, pool }
    await write(0, 1)
    await driver.ensureSnapshot(op(), kept)
    await write(0, 2)
    await driver.ensureSnapshot(op(), other)
    await write(0, 3)
    await driver.ensureSnapshot(op(), { ...other, id: crypto.randomUUID() })
    await write(8192, 4)
    await driver.removeSnapshot(op(), other)
    for (const one of await driver.listSnapshots(op(), pool))
      if (one.volumeId === spec.id && one.id !== kept.id)
        await driver.removeSnapshot(op(), { id: one.id, pool })
    return { spec, guest, kept }
  }
  const reads = async (spec: { id: string; pool: typeof pool }, at: number, byte: number) => {
    const guest = { id: crypto.randomUUID(), uid }
    expect(await bytes.are(await driver.openVolume(op(), spec, guest), uid, { at, length: 4096 }, byte)).toBe(
      true,
    )
    await driver.closeVolumes(op(), guest.id, [])
  }

  test('a guest that got only some of its links does not let a merge write into a snapshot', async () => {
    const { spec, guest, kept } = await layered()
    await driver.openVolume(op(), spec, guest)
    const own = path.join(local, 'open', guest.id)
    for (const name of fs.readdirSync(own)) if (!name.endsWith('-0.raw')) fs.rmSync(path.join(own, name))
    for (let n = 0; n < 2; n += 1) {
      const [listed] = (await driver.listVolumes(op(), pool)).filter(({ id }) => id === spec.id)
      expect(listed?.mergeable).toBe(1 - n)
      await driver.mergeLayers(op(), spec)
    }
    await driver.closeVolumes(op(), guest.id, [])
    const copy = { ...spec, id: crypto.randomUUID(), source: { kind: 'snapshot' as const, id: kept.id } }
    await driver.ensureVolume(op(), copy)
    await reads(copy, 0, 1)
    await reads(spec, 0, 3)
    await reads(spec, 8192, 4)
    for (const one of [spec, copy]) await driver.removeVolume(op(), one)
  })

  test('layers are merged only with those that lie directly above one another', async () => {
    const { spec, kept } = await layered()
    // The snapshot has a copy of the lowest layers, as when a file cannot have a further name.
    for (const name of ['0.raw', '1.qcow2']) {
      const file = path.join(local, 'snapshots', kept.id, name)
      fs.copyFileSync(file, `${file}.copy`)
      fs.renameSync(`${file}.copy`, file)
    }
    fs.linkSync(path.join(local, 'data', spec.id, '2.qcow2'), path.join(root, 'shared'))
    await driver.mergeLayers(op(), spec)
    await reads(spec, 0, 3)
    expect(JSON.parse(fs.readFileSync(manifestOf(spec.id), 'utf8')).layers).toHaveLength(5)
    fs.rmSync(path.join(root, 'shared'))
    await driver.mergeLayers(op(), spec)
    await reads(spec, 0, 3)
    expect(JSON.parse(fs.readFileSync(manifestOf(spec.id), 'utf8')).layers).toHaveLength(3)
    await driver.removeVolume(op(), spec)
  })

  test('no two layers have numbers that look alike to QEMU, however many snapshots came and went', async () => {
    const spec = await fromImage()
    const manifest = JSON.parse(fs.readFileSync(manifestOf(spec.id), 'utf8'))
    fs.renameSync(
      path.join(local, 'data', spec.id, '1.qcow2'),
      path.join(local, 'data', spec.id, '999.qcow2'),
    )
    manifest.layers[1].name = '999.qcow2'
    fs.writeFileSync(manifestOf(spec.id), JSON.stringify(manifest))
    await driver.ensureSnapshot(op(), { id: crypto.randomUUID(), volumeId: spec.id, pool })
    expect(fs.readdirSync(path.join(local, 'data', spec.id)).sort()).toEqual(
      ['0.raw', '1001.qcow2', '999.qcow2', 'volume.json'].sort(),
    )
    await reads(spec, 0, 0xaa)
  })

  test('a further layer is as large as the disk of the guest, also when an agent was killed while the disk grew', async () => {
    const spec = await fromImage()
    await driver.openVolume(op(), spec, { id: crypto.randomUUID(), uid })
    const grown = (code: 'unavailable' | 'no_space') => {
      running = {
        has: async () => true,
        follow: async () => undefined,
        merge: async () => async () => undefined,
        mirror: async () => Promise.reject(new Error('no mirror')),
        mirrorOf: async () => null,
        endMirror: async () => undefined,
        resize: async () => Promise.reject(new DriverError(code, code)),
        async quiesced(work) {
          await work()
          return true
        },
      }
      return driver.growVolume(op(), { id: spec.id, pool, sizeGib: code === 'no_space' ? 3 : 2 })
    }
    await expect(grown('no_space')).rejects.toMatchObject({ code: 'no_space' })
    await expect(grown('unavailable')).rejects.toMatchObject({ code: 'unavailable' })
    await driver.ensureSnapshot(op(), { id: crypto.randomUUID(), volumeId: spec.id, pool })
    running = null
    const said = execFileSync('qemu-img', [
      'info',
      '-U',
      '--output=json',
      path.join(local, 'data', spec.id, '2.qcow2'),
    ])
    expect(JSON.parse(said.toString())['virtual-size']).toBe(2 * 1024 ** 3)
  })

  test('a volume is no copy of itself, and a copy that is too small leaves no layer', async () => {
    const spec = await fromImage()
    await driver.growVolume(op(), { id: spec.id, pool, sizeGib: 2 })
    const id = crypto.randomUUID()
    for (const source of [id, spec.id])
      await expect(
        driver.ensureVolume(op(), { id, pool, sizeGib: 1, source: { kind: 'volume', id: source } }),
      ).rejects.toMatchObject({ code: 'invalid' })
    expect(JSON.parse(fs.readFileSync(manifestOf(spec.id), 'utf8')).layers).toHaveLength(2)
  })

  test('a link of an interrupted call to another file is not what a guest opens', async () => {
    const spec = await fromImage()
    const guest = { id: crypto.randomUUID(), uid }
    await driver.openVolume(op(), spec, guest)
    const own = path.join(local, 'open', guest.id)
    fs.rmSync(path.join(own, `${spec.id}-1.qcow2`))
    for (const name of ['1.qcow2', '2.qcow2'])
      fs.writeFileSync(path.join(own, `${spec.id}-${name}`), 'of then')
    const opened = await driver.openVolume(op(), spec, guest)
    expect(await bytes.are(opened, uid, { at: 0, length: 4096 }, 0xaa)).toBe(true)
    expect(fs.readdirSync(own).sort()).toEqual([`${spec.id}-0.raw`, `${spec.id}-1.qcow2`])
    await driver.closeVolumes(op(), guest.id, [])
  })

  test('a volume has at most a hundred layers, and says so', async () => {
    const spec = await fromImage()
    const file = path.join(local, 'data', spec.id, 'volume.json')
    const manifest = JSON.parse(fs.readFileSync(file, 'utf8'))
    const layers = Array.from({ length: 100 }, (_, n) => ({ name: `${n + 1}.qcow2`, format: 'qcow2' }))
    fs.writeFileSync(file, JSON.stringify({ ...manifest, layers }))
    await expect(
      driver.ensureSnapshot(op(), { id: crypto.randomUUID(), volumeId: spec.id, pool }),
    ).rejects.toMatchObject({ code: 'too_many_layers', message: expect.stringContaining('100 layers') })
    fs.writeFileSync(file, JSON.stringify(manifest))
    await driver.removeVolume(op(), spec)
  })

  test('a damaged volume hides no other, and what an interrupted removal has left goes with the next one', async () => {
    const [one, two] = [await fromImage(), await fromImage()]
    fs.mkdirSync(path.join(dir, 'volumes/lost+found'), { recursive: true })
    fs.writeFileSync(path.join(local, 'data', one.id, 'volume.json'), '{')
    const ids = (await driver.listVolumes(op(), pool)).map(({ id }) => id)
    expect(ids).toContain(two.id)
    expect(ids).not.toContain(one.id)
    fs.renameSync(path.join(local, 'data', one.id), path.join(local, 'data', `${one.id}.part`))
    for (const spec of [one, two]) await driver.removeVolume(op(), spec)
    expect(fs.readdirSync(path.join(local, 'data')).filter((name) => name.startsWith(one.id))).toEqual([])
    await driver.closeVolumes(op(), crypto.randomUUID(), [])
  })
})
