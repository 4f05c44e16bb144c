import fs, { constants, type Stats } from 'node:fs'
import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from 'node:fs/promises'
import path from 'node:path'
import { baseLink, baseOf, recordBase } from '../disk-base.ts'
import { DriverError } from '../errors.ts'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import type { Op } from '../op.ts'
import { qemuImg } from '../qemu-img.ts'
import { syncDirectory } from '../sync.ts'
import { demandSpace } from '../volumes/space.ts'
import { backings, recordOldBases } from './backing.ts'
import { diskTrash } from './disk-trash.ts'
import { removeDrafts } from './drafts.ts'
import { dataBytes } from './image-data.ts'
import { fileError } from './image-store.ts'
import type { BaseSpec, DiskSpec, LocalStorageDriver, ObservedDisk } from './interface.ts'
import { jailedFiles, runJailed } from './jail.ts'
import { makeLocalDisk } from './local-disks.ts'
import { putInPlace } from './put-in-place.ts'
import { writtenIn } from './written.ts'

export type FilesOptions = {
  /** The cloud's image store: this driver reads blobs/ and writes bases/. */
  imagesDir: string
  /** The folder hosts/<host>. Disks lie in instances/<id>/ in it, beside the hypervisor's files. */
  dir: string
  /** The user id for image tools, which no guest has; that of defaultGuestUids when absent. */
  converter?: number
}

const gib = 1024 ** 3
/** How many conversions run at once: each takes a processor and up to 4 GiB of address space, for as long as a tenant's image makes it. */
const conversionsAtOnce = 4
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const digest = /^[0-9a-f]{64}$/

/**
 * The storage driver that keeps disks as files. A base is raw and read-only, in a folder that only root may enter: a
 * guest's QEMU gets descriptors of the bases of its own disks alone. A disk is a qcow2 that we make, either an overlay
 * that names its base and the base's format explicitly, or a full copy. Root owns it until a guest starts on it.
 */
export function createFilesDriver(options: FilesOptions): LocalStorageDriver {
  const bases = path.join(options.imagesDir, 'bases')
  const instances = path.join(options.dir, 'instances')
  const written = writtenIn([instances, path.join(options.dir, 'volumes')])
  const basePath = (blobId: string) => path.join(bases, `${checked(blobId, digest)}.raw`)
  const diskPath = (spec: { id: string; instanceId: string }) =>
    path.join(instances, checked(spec.instanceId, uuid), `disk-${checked(spec.id, uuid)}.qcow2`)
  /** Makes the folders so that only root reaches a base by its path, also after an older agent. */
  const ready = (async () => {
    await mkdir(options.imagesDir, { recursive: true, mode: 0o711 })
    await mkdir(bases, { recursive: true, mode: 0o700 })
    await chmod(bases, 0o700)
    await mkdir(options.dir, { recursive: true, mode: 0o711 })
    await removeDrafts(instances)
    await recordOldBases(options.dir, () => findDisks(instances, null), bases)
  })()
  // Each call reports this failure; without a handler here it would be an unhandled rejection.
  ready.catch(() => undefined)
  const underWay = new Map<string, Promise<{ virtualBytes: number }>>()
  return {
    capabilities: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
    async probe(op) {
      await ready
      await mkdir(instances, { recursive: true, mode: 0o711 })
      const bytes = written(op)
      const fsStat = await statfs(instances)
      const free = fsStat.bavail * fsStat.bsize
      const freeGib = Math.floor(free / gib)
      return {
        totalGib: Math.floor((fsStat.blocks * fsStat.bsize) / gib),
        freeGib,
        // Rounded together, so that what is written moves from the one to the other.
        ...(bytes === null ? {} : { writtenGib: Math.floor((free + bytes) / gib) - freeGib }),
      }
    },
    /** Two launches of one image share one conversion; a conversion beyond the limit waits for its turn. */
    async ensureBase(op, spec) {
      const target = basePath(spec.blobId)
      await ready
      const running = underWay.get(target)
      if (running) return running
      if (underWay.size >= conversionsAtOnce && !fs.existsSync(target)) return null
      const work = makeBase(op, options, spec, target).finally(() => underWay.delete(target))
      underWay.set(target, work)
      return work
    },
    async removeBase(_op, blobId) {
      const base = basePath(blobId)
      const user = (await backings(path.dirname(options.dir))).find(({ backing }) => backing === base)
      if (user) throw new DriverError('conflict', `the disk ${user.file} is an overlay on base ${blobId}`)
      await rm(base, { force: true })
    },
    async listBases() {
      const names = await readdir(bases).catch(() => [])
      return names.flatMap((name) => /^([0-9a-f]{64})\.raw$/.exec(name)?.[1] ?? [])
    },
    async ensureDisk(op, spec) {
      const paths = { base: basePath(spec.base.blobId), disk: diskPath(spec) }
      await ready
      return makeDisk(op, spec, paths)
    },
    async ensureLocalDisk(op, spec) {
      const disk = diskPath(spec)
      await ready
      if (!fs.existsSync(disk)) {
        const uid = options.converter ?? defaultConverter()
        await makeLocalDisk(op, spec, { disk, uid })
      } else if ((await baseOf(disk)) === undefined) await recordBase(disk, null)
      const { id, instanceId, sizeMib } = spec
      return { id, instanceId, path: disk, format: 'qcow2', sizeBytes: sizeMib * 1024 ** 2 }
    },
    disksOf: (_op, instanceId) => disksIn(instances, checked(instanceId, uuid), null),
    async removeDisk(_op, id) {
      for (const disk of await findDisks(instances, checked(id, uuid))) {
        await rm(baseLink(disk.path), { force: true })
        await rm(disk.path, { force: true })
        await rmdir(path.dirname(disk.path)).catch(() => undefined) // The hypervisor's files may still be in the folder.
      }
    },
    listDisks: () => findDisks(instances, null),
    findDisk: (_op, spec) => observed(spec, diskPath(spec)),
    basePath,
    trash: diskTrash({ dir: options.dir, findDisks: (id) => findDisks(instances, id), diskPath }),
  }
}

async function makeBase(
  op: Op,
  options: FilesOptions,
  spec: BaseSpec,
  target: string,
): Promise<{ virtualBytes: number }> {
  const done = await stat(target).catch(() => null)
  const source = path.join(options.imagesDir, 'blobs', checked(spec.blobId, digest))
  // A base of an older agent may be a hard link to the blob, to which the api could still write.
  if (done && !(await isSameFile(done, source))) return { virtualBytes: done.size }
  await using reads = await openBlob(source)
  const part = `${target}.${process.pid}.part`
  op.progress('converting the image')
  await rm(part, { force: true })
  try {
    await convert(op, spec, { reads, part, uid: options.converter ?? defaultConverter() })
    const { size } = await stat(part)
    await rename(part, target)
    await syncDirectory(path.dirname(target))
    return { virtualBytes: size }
  } catch (error) {
    await rm(part, { force: true })
    throw fileError(error)
  }
}

async function isSameFile(one: Stats, other: string): Promise<boolean> {
  const found = await stat(other).catch(() => null)
  return found?.ino === one.ino && found.dev === one.dev
}

function defaultConverter(): number {
  const uids = readGuestUids(defaultGuestUids)
  if (typeof uids === 'string') throw new DriverError('invalid', uids)
  return uids.converter
}

async function convert(
  op: Op,
  spec: BaseSpec,
  { reads, part, uid }: { reads: FileHandle; part: string; uid: number },
): Promise<void> {
  // backing: null overrides a backing file in the header; the inspector has refused such images already.
  const file = {
    driver: 'file',
    filename: jailedFiles.source,
    'auto-read-only': false,
    'read-only': true,
  }
  const node =
    spec.format === 'qcow2'
      ? { driver: 'qcow2', backing: null, file, 'read-only': true }
      : { driver: 'raw', file, 'read-only': true }
  const wish = { image: reads, node, uid, virtualBytes: spec.maxVirtualBytes }
  const bytes = await dataBytes(op, wish)
  const others = [...making.values()].reduce((sum, one) => sum + one, 0)
  await demandSpace(path.dirname(part), bytes + others, 'the image')
  const argv = ['qemu-img', 'convert', '-O', 'raw', '-W', '-m', '4', `json:${JSON.stringify(node)}`]
  const writes = await open(part, 'wx', 0o600)
  making.set(part, bytes)
  try {
    await writes.chown(uid, uid)
    await runJailed(op, { uid, source: reads.fd, target: writes.fd, maxFileBytes: spec.maxVirtualBytes }, [
      ...argv,
      jailedFiles.target,
    ])
    await writes.chown(0, 0)
    await writes.chmod(0o444)
    await writes.sync()
  } finally {
    making.delete(part)
    await writes.close()
  }
}

/** How many bytes each conversion that is under way may still write, by its file. */
const making = new Map<string, number>()

/**
 * Opens a blob and makes it readable for the converter. The api owns the folder, and an attacker who controls the api
 * could put a link to any file there at any moment. So only a plain file of the folder's owner is accepted,
 * and it is opened just once.
 */
async function openBlob(source: string): Promise<FileHandle> {
  const owner = (await stat(path.dirname(source))).uid
  const file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new DriverError('not_found', `blob ${path.basename(source)}`)
      throw error.code === 'ELOOP' ? foreign(source) : error
    },
  )
  try {
    const found = await file.stat()
    if (!found.isFile() || found.uid !== owner) throw foreign(source)
    await file.chmod(0o444)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}
const foreign = (source: string) =>
  new DriverError('failed', `${source} is not a file that the image store made.`)

async function makeDisk(
  op: Op,
  spec: DiskSpec,
  paths: { base: string; disk: string },
): Promise<ObservedDisk> {
  const sizeBytes = spec.sizeGib * gib
  const observed: ObservedDisk = {
    id: spec.id,
    instanceId: spec.instanceId,
    path: paths.disk,
    format: 'qcow2',
    sizeBytes,
  }
  const recorded = spec.mode === 'overlay' ? paths.base : null
  if (fs.existsSync(paths.disk)) {
    // A disk that was restored from a backup may lack the record of its base.
    if ((await baseOf(paths.disk)) === undefined) await recordBase(paths.disk, recorded)
    return observed
  }
  const base = await stat(paths.base).catch(() => {
    throw new DriverError('not_found', `base ${spec.base.blobId}`)
  })
  if (base.size > sizeBytes)
    throw new DriverError('invalid', `the image needs ${base.size} bytes, the disk has ${sizeBytes}`)
  const dir = path.dirname(paths.disk)
  await mkdir(dir, { recursive: true, mode: 0o711 })
  const part = `${paths.disk}.${process.pid}.part`
  await rm(part, { force: true })
  try {
    if (spec.mode === 'overlay') {
      await qemuImg(op, [
        'create',
        '-q',
        '-u',
        '-f',
        'qcow2',
        '-F',
        'raw',
        '-b',
        paths.base,
        part,
        String(sizeBytes),
      ])
    } else {
      op.progress('copying the image')
      await qemuImg(op, ['convert', '-f', 'raw', '-O', 'qcow2', paths.base, part])
      await qemuImg(op, ['resize', '-q', '-f', 'qcow2', part, String(sizeBytes)])
    }
    await putInPlace(part, paths.disk, recorded)
    return observed
  } catch (error) {
    await rm(part, { force: true })
    await rmdir(dir).catch(() => undefined)
    throw fileError(error)
  }
}

async function findDisks(dir: string, id: string | null): Promise<ObservedDisk[]> {
  const found: ObservedDisk[] = []
  for (const instanceId of await readdir(dir).catch(() => [])) {
    if (uuid.test(instanceId)) found.push(...(await disksIn(dir, instanceId, id)))
  }
  return found
}

async function disksIn(dir: string, instanceId: string, id: string | null): Promise<ObservedDisk[]> {
  const found: ObservedDisk[] = []
  for (const name of await readdir(path.join(dir, instanceId)).catch(() => [])) {
    const match = /^disk-([0-9a-f-]{36})\.qcow2$/.exec(name)
    if (!match?.[1] || (id !== null && match[1] !== id)) continue
    const disk = await observed({ id: match[1], instanceId }, path.join(dir, instanceId, name))
    if (disk) found.push(disk)
  }
  return found
}

/** The disk as its file shows it; null when the file does not exist. */
async function observed(
  { id, instanceId }: { id: string; instanceId: string },
  file: string,
): Promise<ObservedDisk | null> {
  try {
    return { id, instanceId, path: file, format: 'qcow2', sizeBytes: await virtualSize(file) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The size in bytes that the guest sees: bytes 24–31 of the qcow2 header, big-endian (qcow2 specification). */
async function virtualSize(file: string): Promise<number> {
  const handle = await open(file, 'r')
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 24)
    return Number(buffer.readBigUInt64BE(0))
  } finally {
    await handle.close()
  }
}

function checked(id: string, pattern: RegExp): string {
  if (!pattern.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}
