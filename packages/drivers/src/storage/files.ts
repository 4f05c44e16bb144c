import fs, { constants, type Stats } from 'node:fs'
import {
  chmod,
  chown,
  link,
  lstat,
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
import { execa } from 'execa'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { fileError } from './image-store.ts'
import type { BaseSpec, DiskSpec, ObservedDisk, StorageDriver, TrashFacet } from './interface.ts'
import { type JailUser, runJailed } from './jail.ts'
import { syncDirectory } from './sync.ts'
import { openTrash } from './trash.ts'

export type FilesOptions = {
  /** The cloud's image store: blobs/ is read, bases/ is ours. */
  imagesDir: string
  /** hosts/<host>; disks go to instances/<id>/ in it, beside the hypervisor's files. */
  dir: string
  /** The unprivileged user that QEMU and the image tools run as; default 64123. */
  user?: JailUser
}

const gib = 1024 ** 3
const defaultUser: JailUser = { uid: 64_123, gid: 64_123 }
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const digest = /^[0-9a-f]{64}$/

/**
 * Disks as files. A base is raw and read-only for everybody; a disk is a qcow2 of our own making,
 * an overlay that names its base and its format explicitly, or a full copy of it.
 */
export function createFilesDriver(options: FilesOptions): StorageDriver {
  const bases = path.join(options.imagesDir, 'bases')
  const instances = path.join(options.dir, 'instances')
  const basePath = (blobId: string) => path.join(bases, `${checked(blobId, digest)}.raw`)
  const diskPath = (spec: { id: string; instanceId: string }) =>
    path.join(instances, checked(spec.instanceId, uuid), `disk-${checked(spec.id, uuid)}.qcow2`)
  const underWay = new Map<string, Promise<{ virtualBytes: number }>>()
  return {
    capabilities: { formats: ['raw', 'qcow2'], overlay: true, shared: false },
    async probe() {
      await mkdir(instances, { recursive: true, mode: 0o711 })
      const fsStat = await statfs(instances)
      return {
        totalGib: Math.floor((fsStat.blocks * fsStat.bsize) / gib),
        freeGib: Math.floor((fsStat.bavail * fsStat.bsize) / gib),
      }
    },
    /** Two launches of one image share one conversion. */
    async ensureBase(op, spec) {
      const target = basePath(spec.blobId)
      const running = underWay.get(target)
      if (running) return running
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
    ensureDisk: (op, spec) =>
      makeDisk(op, options, spec, { base: basePath(spec.base.blobId), disk: diskPath(spec) }),
    async removeDisk(_op, id) {
      for (const disk of await findDisks(instances, checked(id, uuid))) {
        await rm(disk.path, { force: true })
        await rmdir(path.dirname(disk.path)).catch(() => undefined) // the hypervisor's files may be there
      }
    },
    listDisks: () => findDisks(instances, null),
    trash: diskTrash(options.dir, instances, diskPath),
  }
}

/** Disks in the trash are named by their id and their instance's: "ID.ID". */
function diskTrash(
  dir: string,
  instances: string,
  diskPath: (spec: { id: string; instanceId: string }) => string,
): TrashFacet {
  const trash = openTrash(path.join(dir, 'trash'))
  const idsOf = (name: string) => {
    const [id = '', instanceId = ''] = name.split('.')
    return { id, instanceId }
  }
  return {
    async put(_op, diskId) {
      for (const disk of await findDisks(instances, checked(diskId, uuid))) {
        await trash.put(disk.path, `${disk.id}.${disk.instanceId}`)
        await rmdir(path.dirname(disk.path)).catch(() => undefined) // the hypervisor's files may be there
      }
    },
    list: async () =>
      (await trash.list()).map(({ name, sizeBytes, trashedAt }) => ({
        id: idsOf(name).id,
        sizeBytes,
        trashedAt: trashedAt.toISOString(),
      })),
    async takeBack(_op, diskId) {
      checked(diskId, uuid)
      const found = (await trash.list()).filter(({ name }) => idsOf(name).id === diskId).at(-1)
      if (!found) throw new DriverError('not_found', `disk ${diskId} is not in the trash`)
      const target = diskPath(idsOf(found.name))
      if (fs.existsSync(target)) throw new DriverError('conflict', `${target} is there`)
      await mkdir(path.dirname(target), { recursive: true, mode: 0o711 })
      await trash.takeBack(found, target)
    },
    empty: async (_op, options) => (await trash.empty(options)).map((name) => idsOf(name).id),
  }
}

/** Every disk of every host in `hostsDir` (they share the bases), one in the trash included, and what it lies on. */
async function backings(hostsDir: string): Promise<{ file: string; backing: string | null }[]> {
  const disks = fs.globSync(['*/instances/*/disk-*', '*/trash/*@*'], { cwd: hostsDir })
  return Promise.all(
    disks.map(async (name) => {
      const file = path.join(hostsDir, name)
      return { file, backing: await backingOf(file) }
    }),
  )
}

/** Bytes 8–15 and 16–19 of a qcow2 header: where the name of the backing file is, and how long (0: none). */
async function backingOf(file: string): Promise<string | null> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null // it went while we looked
    throw error
  })
  if (!handle) return null
  try {
    const { buffer: header } = await handle.read(Buffer.alloc(12), 0, 12, 8)
    const length = header.readUInt32BE(8)
    if (length === 0 || length > 1023) return null
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, Number(header.readBigUInt64BE(0)))
    return buffer.toString('utf8')
  } finally {
    await handle.close()
  }
}

async function makeBase(
  op: Op,
  options: FilesOptions,
  spec: BaseSpec,
  target: string,
): Promise<{ virtualBytes: number }> {
  const user = options.user ?? defaultUser
  const done = await stat(target).catch(() => null)
  if (done) return { virtualBytes: done.size }
  const source = path.join(options.imagesDir, 'blobs', checked(spec.blobId, digest))
  await mkdir(path.dirname(target), { recursive: true, mode: 0o711 })
  const blob = await readableBlob(source)
  const linked = spec.format === 'raw' ? await linkBase(source, blob, target, spec.maxVirtualBytes) : null
  if (linked) return linked
  const part = `${target}.${process.pid}.part`
  op.progress('converting the image')
  await rm(part, { force: true })
  await (await open(part, 'wx', 0o600)).close()
  try {
    await chown(part, user.uid, user.gid)
    // backing: null overrides whatever the header says; the inspector has refused such images already.
    const file = { driver: 'file', filename: source, 'auto-read-only': false, 'read-only': true }
    const node =
      spec.format === 'qcow2'
        ? { driver: 'qcow2', backing: null, file, 'read-only': true }
        : { driver: 'raw', file, 'read-only': true }
    await runJailed(
      op,
      user,
      ['qemu-img', 'convert', '-O', 'raw', '-W', '-m', '4', `json:${JSON.stringify(node)}`, part],
      spec.maxVirtualBytes,
    )
    await chown(part, 0, 0)
    await chmod(part, 0o444)
    await syncFile(part)
    const { size } = await stat(part)
    await rename(part, target)
    await syncDirectory(path.dirname(target))
    return { virtualBytes: size }
  } catch (error) {
    await rm(part, { force: true })
    throw fileError(error)
  }
}

/**
 * Lets the converter and the guests read a blob. The api owns the folder, and who got hold of the api
 * could put a link to anything there: only a plain file of the folder's owner is touched.
 */
async function readableBlob(source: string): Promise<Stats> {
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
    return found
  } finally {
    await file.close()
  }
}
const foreign = (source: string) =>
  new DriverError('failed', `${source} is not a file that the image store made.`)

/**
 * A raw blob is what a base is, and as unchangeable: another name for it costs no second copy. Null
 * when it must be converted: it ends within a sector, or lies on another file system.
 */
async function linkBase(
  source: string,
  blob: Stats,
  target: string,
  maxBytes: number,
): Promise<{ virtualBytes: number } | null> {
  const { size } = blob
  if (size % 512 !== 0 || size > maxBytes) return null
  const made = await link(source, target).then(
    () => 'made' as const,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EXDEV' || error.code === 'EPERM' || error.code === 'EMLINK') return null
      if (error.code === 'EEXIST') return 'there' as const
      throw error
    },
  )
  if (!made) return null
  const base = await lstat(target)
  // The name may lead elsewhere by now.
  if (made === 'made' && (base.ino !== blob.ino || base.dev !== blob.dev)) {
    await rm(target, { force: true })
    throw foreign(source)
  }
  await syncDirectory(path.dirname(target))
  return { virtualBytes: size }
}

async function makeDisk(
  op: Op,
  options: FilesOptions,
  spec: DiskSpec,
  paths: { base: string; disk: string },
): Promise<ObservedDisk> {
  const user = options.user ?? defaultUser
  const sizeBytes = spec.sizeGib * gib
  const observed: ObservedDisk = {
    id: spec.id,
    instanceId: spec.instanceId,
    path: paths.disk,
    format: 'qcow2',
    sizeBytes,
  }
  if (fs.existsSync(paths.disk)) return observed
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
      await tool(op, [
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
      await tool(op, ['convert', '-f', 'raw', '-O', 'qcow2', paths.base, part])
      await tool(op, ['resize', '-q', '-f', 'qcow2', part, String(sizeBytes)])
    }
    await chown(part, user.uid, user.gid)
    await chmod(part, 0o600)
    await syncFile(part)
    await rename(part, paths.disk)
    await syncDirectory(dir)
    return observed
  } catch (error) {
    await rm(part, { force: true })
    await rmdir(dir).catch(() => undefined)
    throw fileError(error)
  }
}

/** On files of our own making only: tenants' bytes go through the jail. */
async function tool(op: Op, args: readonly string[]): Promise<void> {
  const result = await execa('qemu-img', args, {
    stdin: 'ignore',
    cancelSignal: op.signal,
    timeout: 600_000,
    maxBuffer: 64 * 1024,
    reject: false,
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  })
  if (!result.failed) return
  const said = String(result.stderr ?? '').slice(-500)
  if (/No space left/i.test(said)) throw new DriverError('no_space', 'the disk is full')
  throw new DriverError('failed', `qemu-img ${args[0]}: ${said}`)
}

async function findDisks(dir: string, id: string | null): Promise<ObservedDisk[]> {
  const found: ObservedDisk[] = []
  for (const instanceId of await readdir(dir).catch(() => [])) {
    if (!uuid.test(instanceId)) continue
    for (const name of await readdir(path.join(dir, instanceId)).catch(() => [])) {
      const match = /^disk-([0-9a-f-]{36})\.qcow2$/.exec(name)
      if (!match?.[1] || (id !== null && match[1] !== id)) continue
      const file = path.join(dir, instanceId, name)
      found.push({
        id: match[1],
        instanceId,
        path: file,
        format: 'qcow2',
        sizeBytes: await virtualSize(file),
      })
    }
  }
  return found
}

/** Bytes 24–31 of a qcow2 header, big-endian: the size that the guest sees (qcow2 specification). */
async function virtualSize(file: string): Promise<number> {
  const handle = await open(file, 'r')
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 24)
    return Number(buffer.readBigUInt64BE(0))
  } finally {
    await handle.close()
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function checked(id: string, pattern: RegExp): string {
  if (!pattern.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}
