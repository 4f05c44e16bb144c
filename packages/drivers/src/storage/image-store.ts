import fs from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { DriverError, isDiskFull } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import { type HashingSink, hashingSink } from './hashing-sink.ts'
import type { ImageStore, StagedImage } from './interface.ts'
import { openTrash } from './trash.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const digest = /^[0-9a-f]{64}$/
/** The size of a read. A read of 64 KiB, the default, would cost the event loop as much as one of this size. */
const readBytes = 512 * 1024

/** The file that a host has made of a volume. Only hosts write in that folder, and the api may read such a file. */
export const exportPath = (dir: string, id: string): string =>
  path.join(dir, 'exports', `${checked(id, uuid)}.img`)

/**
 * The image store in a folder: blobs lie in `dir`/blobs, named by their SHA-256, and uploads in `dir`/staging, named
 * by our ids. A blob appears by rename after fsync, so it is complete or absent, and it is never opened for
 * writing again. No other user may enter these folders, because a tenant's image is not for another tenant's guest.
 */
export function openImageStore(dir: string): ImageStore {
  const staging = path.join(dir, 'staging')
  const blobs = path.join(dir, 'blobs')
  const ready = (async () => {
    await mkdir(dir, { recursive: true, mode: 0o711 })
    for (const folder of [staging, blobs]) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700) // An older version let other users pass.
    }
  })()
  const stagedPath = (id: string) => path.join(staging, checked(id, uuid))
  const blobPath = (id: string) => path.join(blobs, checked(id, digest))
  return {
    async stage(id, source, options) {
      await ready
      return stageFile(stagedPath(id), source, options)
    },
    async readStaged(id, offset, length) {
      const file = await open(stagedPath(id), 'r')
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
    async commit(id, sha256) {
      await ready
      if (fs.existsSync(blobPath(sha256))) return rm(stagedPath(id), { force: true })
      await rename(stagedPath(id), blobPath(sha256)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw new DriverError('not_found', `staged image ${id}`)
        throw error
      })
      await syncDirectory(blobs)
    },
    discard: async (id) => rm(stagedPath(id), { force: true }),
    async open(blobId, range) {
      const file = await open(blobPath(blobId), 'r').catch(() => {
        throw new DriverError('not_found', `blob ${blobId}`)
      })
      return file.createReadStream({ ...range, highWaterMark: readBytes })
    },
    async openExport(id) {
      const file = await open(exportPath(dir, id), 'r').catch(() => {
        throw new DriverError('not_found', `export ${id}`)
      })
      const { size } = await file.stat()
      return { sizeBytes: size, bytes: file.createReadStream({ highWaterMark: readBytes }) }
    },
    remove: async (blobId) => rm(blobPath(blobId), { force: true }),
    trash: blobTrash(path.join(dir, 'trash'), blobPath),
    async list() {
      await ready
      const now = Date.now()
      const listed = await Promise.all(
        (await readdir(blobs))
          .filter((name) => digest.test(name))
          .map(async (id) => ({ id, sizeBytes: (await stat(path.join(blobs, id))).size })),
      )
      const staged = await Promise.all(
        (await readdir(staging))
          .filter((name) => uuid.test(name))
          .map(async (id) => ({ id, ageMs: now - (await stat(path.join(staging, id))).mtimeMs })),
      )
      return { blobs: listed, staged }
    },
  }
}

function blobTrash(dir: string, blobPath: (blobId: string) => string): ImageStore['trash'] {
  const trash = openTrash(dir)
  return {
    async put(blobId) {
      if (fs.existsSync(blobPath(blobId))) await trash.put(blobPath(blobId), blobId)
    },
    list: async () =>
      (await trash.list()).map(({ name, sizeBytes, trashedAt }) => ({
        id: name,
        sizeBytes,
        trashedAt: trashedAt.toISOString(),
      })),
    async takeBack(blobId) {
      const target = blobPath(blobId)
      const found = (await trash.list()).filter(({ name }) => name === blobId).at(-1)
      if (!found) throw new DriverError('not_found', `blob ${blobId} is not in the trash`)
      if (fs.existsSync(target)) throw new DriverError('conflict', `blob ${blobId} exists already`)
      await trash.takeBack(found, target)
    },
    empty: (options) => trash.empty(options),
  }
}

type StageOptions = Parameters<ImageStore['stage']>[2]

async function stageFile(file: string, source: Readable, options: StageOptions): Promise<StagedImage> {
  const handle = await open(file, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? new DriverError('conflict', 'an upload of this image is under way')
      : fileError(error)
  })
  try {
    const staged = await pump(handle, source, options)
    await handle.sync()
    await handle.close()
    return staged
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(file, { force: true })
    throw fileError(error)
  }
}

async function pump(handle: FileHandle, source: Readable, options: StageOptions): Promise<StagedImage> {
  const sink = hashingSink(handle)
  try {
    const sizeBytes = await receive(sink, source, options)
    return { sizeBytes, ...(await sink.finish()) }
  } catch (error) {
    await sink.abort()
    throw error
  }
}

async function receive(sink: HashingSink, source: Readable, options: StageOptions): Promise<number> {
  let total = 0
  // The source is not destroyed: destroying a request's body would end its connection before the answer is sent.
  const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of chunks) {
    if (options.signal?.aborted) throw new DriverError('unavailable', 'the upload was cancelled')
    total += chunk.length
    if (total > options.maxBytes) throw new DriverError('no_space', `more than ${options.maxBytes} bytes`)
    await sink.write(chunk)
    options.onBytes?.(total)
  }
  return total
}

/** Only generated names become paths (A03). */
function checked(id: string, pattern: RegExp): string {
  if (!pattern.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}

export function fileError(error: unknown): unknown {
  return isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
}
