import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { DriverError } from '../errors.ts'
import { backgroundOp } from '../op.ts'
import { storageConformance } from './conformance.ts'
import { createFilesDriver } from './files.ts'
import { openImageStore } from './image-store.ts'

const root = fs.mkdtempSync('/var/tmp/stratolith-storage-')
fs.chmodSync(root, 0o755)
const imagesDir = path.join(root, 'images')
const store = openImageStore(imagesDir)
const user = { uid: 64_123, gid: 64_123 }
const driver = createFilesDriver({ imagesDir, dir: root, user })
const op = () => backgroundOp(pino({ level: 'silent' }))
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

async function blob(bytes: Buffer): Promise<string> {
  const id = crypto.randomUUID()
  const { sha256 } = await store.stage(id, Readable.from([bytes]), { maxBytes: 1e9 })
  await store.commit(id, sha256)
  return sha256
}
function qcow2(fill: (file: string) => string[]): Buffer {
  const file = path.join(root, `${crypto.randomUUID()}.qcow2`)
  execFileSync('qemu-img', fill(file))
  return fs.readFileSync(file)
}

describe('storage in files', () => {
  storageConformance(() => ({
    driver,
    op: op(),
    rawBlob: () =>
      blob(Buffer.concat([crypto.getRandomValues(Buffer.alloc(512)), Buffer.alloc(1024 ** 2 - 512)])),
  }))

  test('the overlay names its base and the format; QEMU’s user owns it, the base is read-only', async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 7))
    await driver.ensureBase(op(), { blobId, format: 'raw', maxVirtualBytes: 1024 ** 3 })
    const id = crypto.randomUUID()
    const disk = await driver.ensureDisk(op(), {
      id,
      instanceId: id,
      projectId: 'p',
      sizeGib: 2,
      base: { blobId, format: 'raw' },
      mode: 'overlay',
    })
    if (!disk) throw new Error('a driver in the foreground has no "not yet"')
    const info = JSON.parse(
      execFileSync('qemu-img', ['info', '--output=json', '-f', 'qcow2', disk.path], { encoding: 'utf8' }),
    )
    expect(info).toMatchObject({ 'virtual-size': 2 * 1024 ** 3, 'backing-filename-format': 'raw' })
    expect(info['backing-filename']).toBe(path.join(imagesDir, 'bases', `${blobId}.raw`))
    expect(fs.statSync(disk.path)).toMatchObject({ uid: user.uid, gid: user.gid })
    expect(fs.statSync(info['backing-filename']).mode & 0o777).toBe(0o444)
    const before = fs.readFileSync(info['backing-filename'])
    expect(before.every((byte) => byte === 7)).toBe(true)
  })

  test('a qcow2 becomes a raw base with the same content', async () => {
    const raw = path.join(root, 'content.raw')
    fs.writeFileSync(raw, crypto.getRandomValues(Buffer.alloc(65_536)))
    const blobId = await blob(qcow2((file) => ['convert', '-c', '-f', 'raw', '-O', 'qcow2', raw, file]))
    const made = await driver.ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 1024 ** 3 })
    expect(made).toEqual({ virtualBytes: 65_536 })
    expect(fs.readFileSync(path.join(imagesDir, 'bases', `${blobId}.raw`)).equals(fs.readFileSync(raw))).toBe(
      true,
    )
  })

  test('a backing file named in the header is never opened, whatever else failed to refuse it (A01)', async () => {
    const secret = path.join(root, 'secret.raw')
    fs.writeFileSync(secret, Buffer.alloc(65_536, 'S'), { mode: 0o644 })
    const blobId = await blob(
      qcow2((file) => ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, file]),
    )
    await driver.ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 1024 ** 3 })
    expect(fs.readFileSync(path.join(imagesDir, 'bases', `${blobId}.raw`)).includes('S')).toBe(false)
  })

  test('an image that claims 60 TB fails at the limit and leaves nothing (A02)', async () => {
    const blobId = await blob(qcow2((file) => ['create', '-q', '-f', 'qcow2', file, '60T']))
    const error = await driver
      .ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 1024 ** 3 })
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DriverError)
    expect(fs.readdirSync(path.join(imagesDir, 'bases')).filter((name) => name.startsWith(blobId))).toEqual(
      [],
    )
  })

  test('an image larger than the disk is refused', async () => {
    const blobId = await blob(qcow2((file) => ['create', '-q', '-f', 'qcow2', file, '2G']))
    await driver.ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 4 * 1024 ** 3 })
    const id = crypto.randomUUID()
    const spec = {
      id,
      instanceId: id,
      projectId: 'p',
      sizeGib: 1,
      base: { blobId, format: 'qcow2' as const },
      mode: 'overlay' as const,
    }
    await expect(driver.ensureDisk(op(), spec)).rejects.toMatchObject({ code: 'invalid' })
    expect(fs.existsSync(path.join(root, 'instances', id))).toBe(false)
  })

  test('ids that are not ours never become paths (A03)', async () => {
    for (const id of ['../../etc/passwd', '..', '', 'a/b', `${'0'.repeat(63)}/`]) {
      await expect(driver.removeBase(op(), id)).rejects.toMatchObject({ code: 'invalid' })
      await expect(driver.removeDisk(op(), id)).rejects.toMatchObject({ code: 'invalid' })
      await expect(store.open(id)).rejects.toMatchObject({ code: 'invalid' })
    }
  })
})

describe('image store', () => {
  test('stops at the limit in mid-stream and leaves nothing', async () => {
    const id = crypto.randomUUID()
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536)
      })(),
    )
    await expect(store.stage(id, endless, { maxBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'no_space',
    })
    expect((await store.list()).staged.map((s) => s.id)).not.toContain(id)
  })

  test('two uploads of one id: the second is refused', async () => {
    const id = crypto.randomUUID()
    let feed: (chunk: Buffer | null) => void = () => undefined
    const slow = new Readable({
      read() {
        feed = (chunk) => this.push(chunk)
      },
    })
    const first = store.stage(id, slow, { maxBytes: 1e6 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await expect(store.stage(id, Readable.from([Buffer.from('x')]), { maxBytes: 1e6 })).rejects.toMatchObject(
      { code: 'conflict' },
    )
    feed(Buffer.from('hello'))
    feed(null)
    expect((await first).sizeBytes).toBe(5)
    await store.discard(id)
  })
})
