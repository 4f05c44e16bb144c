import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { DriverError } from '../errors.ts'
import { backgroundOp } from '../op.ts'
import { storageConformance } from './conformance.ts'
import { createFilesDriver } from './files.ts'
import { openImageStore } from './image-store.ts'
import { runJailed } from './jail.ts'

const root = fs.mkdtempSync('/var/tmp/stratolith-storage-')
fs.chmodSync(root, 0o755)
const imagesDir = path.join(root, 'images')
const store = openImageStore(imagesDir)
const driver = createFilesDriver({ imagesDir, dir: root })
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

  test('an overlay names its base and the format, belongs to root at first, and only root can reach the base', async () => {
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
    if (!disk) throw new Error('this driver returns a disk only when the disk is ready')
    const info = JSON.parse(
      execFileSync('qemu-img', ['info', '--output=json', '-f', 'qcow2', disk.path], { encoding: 'utf8' }),
    )
    expect(info).toMatchObject({ 'virtual-size': 2 * 1024 ** 3, 'backing-filename-format': 'raw' })
    expect(info['backing-filename']).toBe(path.join(imagesDir, 'bases', `${blobId}.raw`))
    expect(fs.statSync(disk.path)).toMatchObject({ uid: 0, gid: 0 })
    expect(fs.statSync(disk.path).mode & 0o777).toBe(0o600)
    expect(fs.readlinkSync(`${disk.path}.base`)).toBe(info['backing-filename'])
    for (const folder of ['blobs', 'bases', 'staging'])
      expect(fs.statSync(path.join(imagesDir, folder)).mode & 0o777).toBe(0o700)
    expect(fs.statSync(info['backing-filename']).mode & 0o777).toBe(0o444)
    const before = fs.readFileSync(info['backing-filename'])
    expect(before.every((byte) => byte === 7)).toBe(true)
  })

  test('an ephemeral disk has an empty file system with its label, a swap disk a swap area, and both take little room', async () => {
    const instanceId = crypto.randomUUID()
    const made = async (format: 'ext2' | 'ext3' | 'ext4' | 'swap' | null, sizeMib: number) => {
      const wish = { id: crypto.randomUUID(), instanceId, sizeMib, format, label: 'ephemeral0' }
      const disk = await driver.ensureLocalDisk(op(), wish)
      if (!disk) throw new Error('this driver returns a disk only when the disk is ready')
      expect(fs.statSync(disk.path)).toMatchObject({ uid: 0, gid: 0 })
      expect(fs.statSync(disk.path).mode & 0o777).toBe(0o600)
      expect(fs.readlinkSync(`${disk.path}.base`)).toBe('none')
      const raw = path.join(root, `${wish.id}.raw`)
      execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', disk.path, raw])
      return { disk, raw }
    }
    for (const format of ['ext2', 'ext3', 'ext4'] as const) {
      const { disk, raw } = await made(format, 2048)
      expect(fs.statSync(raw).size).toBe(2048 * 1024 ** 2)
      expect(fs.statSync(disk.path).blocks * 512).toBeLessThan(80 * 1024 ** 2)
      const told = execFileSync('blkid', ['-p', '-o', 'export', raw], { encoding: 'utf8' })
      expect(told).toContain('LABEL=ephemeral0')
      expect(told).toContain(`TYPE=${format}`)
      execFileSync('e2fsck', ['-fn', raw], { stdio: 'pipe' })
    }
    const { raw } = await made('swap', 64)
    expect(fs.readFileSync(raw).subarray(4086, 4096).toString('latin1')).toBe('SWAPSPACE2')
    const empty = await made(null, 64)
    expect(fs.readFileSync(empty.raw).every((byte) => byte === 0)).toBe(true)
    const left = fs
      .readdirSync(path.dirname(empty.disk.path))
      .filter((name) => !/^disk-.*\.qcow2(\.base)?$/.test(name))
    expect(left).toEqual([])
  })

  test('an ephemeral disk that cannot be made leaves nothing', async () => {
    const [id, instanceId] = [crypto.randomUUID(), crypto.randomUUID()]
    const wish = { id, instanceId, sizeMib: 64, format: 'ext9' as 'ext4', label: 'ephemeral0' }
    await expect(driver.ensureLocalDisk(op(), wish)).rejects.toBeInstanceOf(DriverError)
    expect(await driver.disksOf(op(), instanceId)).toEqual([])
    expect(fs.existsSync(path.join(root, 'instances', instanceId))).toBe(false)
  })

  test('a base is not a hard link to the blob, to which the api may write', async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 9))
    const [source, base] = [
      path.join(imagesDir, 'blobs', blobId),
      path.join(imagesDir, 'bases', `${blobId}.raw`),
    ]
    // An older agent made bases as hard links.
    fs.linkSync(source, base)
    const wish = { blobId, format: 'raw' as const, maxVirtualBytes: 1024 ** 3 }
    expect(await driver.ensureBase(op(), wish)).toEqual({ virtualBytes: 1024 ** 2 })
    fs.chmodSync(source, 0o644)
    fs.writeFileSync(source, 'EVIL')
    expect(fs.readFileSync(base).every((byte) => byte === 9)).toBe(true)
  })

  test('four images are converted at once, a fifth waits its turn', async () => {
    const wishes = await Promise.all(
      [1, 2, 3, 4, 5].map(async (fill) => {
        const blobId = await blob(Buffer.alloc(1024 ** 2, fill))
        return { blobId, format: 'raw' as const, maxVirtualBytes: 1024 ** 3 }
      }),
    )
    const made = await Promise.all(wishes.map((wish) => driver.ensureBase(op(), wish)))
    expect(made.map((one) => one !== null)).toEqual([true, true, true, true, false])
    expect(await driver.ensureBase(op(), wishes[4] as (typeof wishes)[0])).toEqual({
      virtualBytes: 1024 ** 2,
    })
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

  test('a backing file that the header of an image names is never opened (A01)', async () => {
    const secret = path.join(root, 'secret.raw')
    fs.writeFileSync(secret, Buffer.alloc(65_536, 'S'), { mode: 0o644 })
    const blobId = await blob(
      qcow2((file) => ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, file]),
    )
    await driver.ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 1024 ** 3 })
    expect(fs.readFileSync(path.join(imagesDir, 'bases', `${blobId}.raw`)).includes('S')).toBe(false)
  })

  test.each([
    ['a link', (file: string, to: string) => fs.symlinkSync(to, file)],
    ['a hard link', (file: string, to: string) => fs.linkSync(to, file)],
  ])(
    '%s to a file of somebody else in place of a blob is refused, and the file stays as it was',
    async (_what, put) => {
      const secret = path.join(root, `${crypto.randomUUID()}.secret`)
      fs.writeFileSync(secret, Buffer.alloc(1024, 'S'), { mode: 0o600 })
      fs.chownSync(secret, 12_345, 12_345)
      const blobId = crypto.randomUUID().replaceAll('-', '').padEnd(64, '0')
      put(path.join(imagesDir, 'blobs', blobId), secret)
      for (const format of ['raw', 'qcow2'] as const)
        await expect(driver.ensureBase(op(), { blobId, format, maxVirtualBytes: 1024 ** 3 })).rejects.toThrow(
          'not a file that the image store made',
        )
      expect(fs.statSync(secret).mode & 0o777).toBe(0o600)
      expect(fs.existsSync(path.join(imagesDir, 'bases', `${blobId}.raw`))).toBe(false)
    },
  )

  test('the converter runs as a user of its own, sees no other process, and reaches only its two files', async () => {
    const blobId = await blob(Buffer.from('tenant'))
    const target = path.join(root, 'said')
    const [source, said] = [
      fs.openSync(path.join(imagesDir, 'blobs', blobId), 'r'),
      fs.openSync(target, 'wx', 0o600),
    ]
    fs.fchmodSync(source, 0o444) // ensureBase does the same.
    fs.fchownSync(said, 1_234_567, 1_234_567)
    const tell = `{ id -u; id -G; echo $$; set -- /proc/[0-9]*; echo $#; cat /proc/self/fd/3; echo
      ip -o link | wc -l; cat "$0" || echo closed; grep -c CapEff:.0000000000000000 /proc/self/status; } > /proc/self/fd/4`
    const job = { uid: 1_234_567, source, target: said, maxFileBytes: 4096 }
    await runJailed(op(), job, ['sh', '-c', tell, path.join(imagesDir, 'blobs', blobId)])
    // The lines: user, groups, its only process (1), the blob, loopback alone, and no access by the blob's path.
    expect(fs.readFileSync(target, 'utf8').split('\n')).toEqual([
      '1234567',
      '1234567',
      '1',
      '1',
      'tenant',
      '1',
      'closed',
      '1',
      '',
    ])
    const fill = ['sh', '-c', 'head -c 8192 /dev/zero > /proc/self/fd/4']
    await expect(runJailed(op(), job, fill)).rejects.toMatchObject({ code: 'invalid' })
    expect(fs.statSync(target).size).toBe(4096)
    const talk = ['sh', '-c', 'head -c 200000 /dev/zero; sleep 300']
    await expect(runJailed(op(), job, talk)).rejects.toMatchObject({ code: 'failed' })
  })

  test('a conversion that is cancelled ends', async () => {
    const [source, target] = [fs.openSync('/dev/null', 'r'), fs.openSync('/dev/null', 'w')]
    const end = new AbortController()
    const job = { uid: 1_234_568, source, target, maxFileBytes: 4096 }
    const runs = runJailed({ ...op(), signal: end.signal }, job, ['sleep', '300'])
    const ended = expect(runs).rejects.toMatchObject({ code: 'unavailable' })
    const ofJob = () =>
      fs.readdirSync('/proc').filter((pid) => {
        const status = `/proc/${pid}/status`
        return (
          /^\d+$/.test(pid) &&
          fs.existsSync(status) &&
          fs.readFileSync(status, 'utf8').includes('\t1234568\t')
        )
      })
    await vi.waitFor(() => expect(ofJob()).toHaveLength(1), 20_000)
    end.abort()
    await ended
    await vi.waitFor(() => expect(ofJob()).toEqual([]), 20_000)
  })

  test('the base of an older agent’s disk is recorded when the agent starts, but no other file that a header names', async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 9))
    await driver.ensureBase(op(), { blobId, format: 'raw', maxVirtualBytes: 1024 ** 3 })
    const disks = await Promise.all(
      [0, 1, 2, 3].map(() => {
        const id = crypto.randomUUID()
        const base = { blobId, format: 'raw' as const }
        return driver.ensureDisk(op(), {
          id,
          instanceId: id,
          projectId: 'p',
          sizeGib: 1,
          base,
          mode: 'overlay',
        })
      }),
    )
    const [before, odd, far, late] = disks.map((disk) => disk?.path) as [string, string, string, string]
    for (const file of [before, odd, far, late]) fs.rmSync(`${file}.base`)
    execFileSync('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/shadow', odd])
    const header = fs.openSync(far, 'r+')
    fs.writeSync(header, Buffer.from('8000000000000000', 'hex'), 0, 8, 8)
    fs.closeSync(header)
    const kept = `${late}.kept`
    fs.renameSync(late, kept)
    const begin = () => createFilesDriver({ imagesDir, dir: root }).probe(op())
    fs.rmSync(path.join(root, 'disk-bases-recorded'))
    await begin()
    expect(fs.readlinkSync(`${before}.base`)).toBe(path.join(imagesDir, 'bases', `${blobId}.raw`))
    for (const file of [odd, far]) expect(fs.existsSync(`${file}.base`)).toBe(false)
    // Headers are trusted only once, because a guest can write them later.
    fs.renameSync(kept, late)
    await begin()
    expect(fs.existsSync(`${late}.base`)).toBe(false)
    // A disk whose header makes no sense does not keep bases from being removed.
    await expect(driver.removeBase(op(), blobId)).rejects.toMatchObject({ code: 'conflict' })
    fs.rmSync(path.dirname(odd), { recursive: true })
    fs.rmSync(path.dirname(far), { recursive: true })
  })

  test('a full copy has no base, whatever its guest’s QEMU writes into its header', async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 8))
    const base = { blobId, format: 'raw' as const }
    await driver.ensureBase(op(), { ...base, maxVirtualBytes: 1024 ** 3 })
    const id = crypto.randomUUID()
    const spec = { id, instanceId: id, projectId: 'p', sizeGib: 1, base, mode: 'copy' as const }
    const disk = await driver.ensureDisk(op(), spec)
    const file = disk?.path ?? ''
    expect(fs.readlinkSync(`${file}.base`)).toBe('none')
    const own = path.join(imagesDir, 'bases', `${blobId}.raw`)
    execFileSync('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', own, file])
    fs.rmSync(path.join(root, 'disk-bases-recorded'))
    await createFilesDriver({ imagesDir, dir: root }).probe(op())
    await driver.trash?.put(op(), id)
    await driver.trash?.takeBack(op(), id)
    expect(fs.readlinkSync(`${file}.base`)).toBe('none')
    await driver.removeBase(op(), blobId)
  })

  test('the base of a disk is known in the trash, too, and root owns the disk there', async () => {
    const blobId = await blob(Buffer.alloc(1024 ** 2, 5))
    const base = { blobId, format: 'raw' as const }
    await driver.ensureBase(op(), { ...base, maxVirtualBytes: 1024 ** 3 })
    const id = crypto.randomUUID()
    const disk = await driver.ensureDisk(op(), {
      id,
      instanceId: id,
      projectId: 'p',
      sizeGib: 1,
      base,
      mode: 'overlay',
    })
    if (!disk) throw new Error('an overlay is made at once')
    fs.chownSync(disk.path, 4_321, 4_321)
    const link = fs.readlinkSync(`${disk.path}.base`)
    await driver.trash?.put(op(), id)
    expect(fs.existsSync(path.dirname(disk.path))).toBe(false)
    execFileSync('sh', [
      '-c',
      'printf "\\0\\0\\0\\0" | dd of="$0" bs=1 seek=16 conv=notrunc status=none',
      fs.globSync(path.join(root, 'trash', `${id}.*@*`))[0] ?? '',
    ])
    await expect(driver.removeBase(op(), blobId)).rejects.toMatchObject({ code: 'conflict' })
    await driver.trash?.takeBack(op(), id)
    expect(fs.readlinkSync(`${disk.path}.base`)).toBe(link)
    expect(fs.statSync(disk.path)).toMatchObject({ uid: 0, gid: 0 })
    await driver.trash?.put(op(), id)
    await driver.trash?.empty(op(), { olderThanMs: 0 })
    expect(fs.readdirSync(path.join(root, 'trash')).filter((name) => name.startsWith(id))).toEqual([])
  })

  test('the conversion of an image that claims 60 TB fails at the limit and leaves nothing (A02)', async () => {
    const blobId = await blob(qcow2((file) => ['create', '-q', '-f', 'qcow2', file, '60T']))
    const error = await driver
      .ensureBase(op(), { blobId, format: 'qcow2', maxVirtualBytes: 1024 ** 3 })
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DriverError)
    expect(fs.readdirSync(path.join(imagesDir, 'bases')).filter((name) => name.startsWith(blobId))).toEqual(
      [],
    )
  })

  test('an image of a few clusters that its tables name over and over is refused before a byte is written (A02)', async () => {
    const cluster = 64 * 1024
    const image = Buffer.alloc(6 * cluster)
    // The header of a qcow2 of version 2: one table of the first level, whose entries all name one table of the second.
    image.write('QFI\xfb', 0, 'latin1')
    image.writeUInt32BE(2, 4)
    image.writeUInt32BE(16, 20)
    image.writeBigUInt64BE(4n * 1024n ** 3n, 24)
    image.writeUInt32BE(8, 36)
    image.writeBigUInt64BE(BigInt(cluster), 40)
    image.writeBigUInt64BE(4n * BigInt(cluster), 48)
    image.writeUInt32BE(1, 56)
    image.writeBigUInt64BE(5n * BigInt(cluster), 4 * cluster)
    for (let n = 0; n < 8; n += 1) image.writeBigUInt64BE((1n << 63n) | BigInt(2 * cluster), cluster + 8 * n)
    for (let n = 0; n < 8192; n += 1)
      image.writeBigUInt64BE((1n << 63n) | BigInt(3 * cluster), 2 * cluster + 8 * n)
    image.fill(0x5a, 3 * cluster, 4 * cluster)
    for (let n = 0; n < 6; n += 1) image.writeUInt16BE(1, 5 * cluster + 2 * n)
    const blobId = await blob(image)
    const wish = { blobId, format: 'qcow2' as const, maxVirtualBytes: 64 * 1024 ** 3 }
    await expect(driver.ensureBase(op(), wish)).rejects.toMatchObject({
      ...{ code: 'invalid', message: expect.stringContaining('many times') },
    })
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

  test('ids that this cloud has not generated never become paths (A03)', async () => {
    for (const id of ['../../etc/passwd', '..', '', 'a/b', `${'0'.repeat(63)}/`]) {
      await expect(driver.removeBase(op(), id)).rejects.toMatchObject({ code: 'invalid' })
      await expect(driver.removeDisk(op(), id)).rejects.toMatchObject({ code: 'invalid' })
      await expect(store.open(id)).rejects.toMatchObject({ code: 'invalid' })
    }
  })
})

describe('image store', () => {
  test('stops an upload at the limit in mid-stream and leaves nothing', async () => {
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

  test('refuses a second upload of the same id while the first is under way', async () => {
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
