import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import type { Op } from '../op.ts'
import { jailedFiles, runJailed } from '../storage/jail.ts'
import type { LayerFile } from './layer-files.ts'
import { readHeader } from './qcow2.ts'

/** How much a layer's file may grow when its tables grow. */
const tablesBytes = 1024 ** 3

/**
 * Raises `failed` unless the header of a qcow2 layer is one that we could have made. A guest that has taken over its
 * QEMU can write any header into its last layer: above all one that names another file as the place of the data.
 */
export async function checkLayer(file: string): Promise<void> {
  const handle = await openPlain(file, constants.O_RDONLY)
  try {
    await readHeader(handle, file)
  } finally {
    await handle.close()
  }
}

/**
 * Makes a layer that nobody has open larger, and never smaller. Nothing in the layer is trusted, because a guest may have
 * written it: qemu-img works in the jail, on a descriptor of this one file, after the header was checked.
 */
export async function growLayer(
  op: Op,
  layer: { file: string; format: 'raw' | 'qcow2'; sizeBytes: number },
  converter: number | undefined,
): Promise<void> {
  const handle = await openPlain(layer.file, constants.O_RDWR)
  try {
    if (layer.format === 'qcow2') await growQcow2(op, handle, layer, converter ?? defaultConverter())
    else if ((await handle.stat()).size < layer.sizeBytes) await handle.truncate(layer.sizeBytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function growQcow2(
  op: Op,
  handle: FileHandle,
  { file, sizeBytes }: { file: string; sizeBytes: number },
  uid: number,
): Promise<void> {
  const header = await readHeader(handle, file)
  if (header.sizeBytes >= BigInt(sizeBytes)) return
  const before = await handle.stat()
  // backing: null keeps qemu-img from following the name in the header.
  const node = {
    driver: 'qcow2',
    backing: null,
    file: { driver: 'file', filename: jailedFiles.target },
  }
  const job = { uid, source: handle.fd, target: handle.fd, maxFileBytes: before.size + tablesBytes }
  const argv = ['qemu-img', 'resize', '-q', `json:${JSON.stringify(node)}`, String(sizeBytes)]
  // A volume without a guest is root's; a guest that does not run keeps its files until they are taken away.
  await lent(handle, uid, () => runJailed(op, job, argv)).catch((error: unknown) => {
    throw asFailed(error)
  })
}

/**
 * Writes what a layer contains into the layer below it, while nobody has one of them open. Both may have been written by
 * a guest: qemu-img works in the jail, on descriptors of these two files, after the headers were checked. The clusters
 * of both have one size, so none is completed by what lies below the two.
 */
export async function commitLayer(
  op: Op,
  { top, below, sizeBytes }: { top: LayerFile; below: LayerFile; sizeBytes: number },
  converter: number | undefined,
): Promise<void> {
  const uid = converter ?? defaultConverter()
  const source = await openPlain(top.path, constants.O_RDWR)
  const target = await openPlain(below.path, constants.O_RDWR)
  try {
    await readHeader(source, top.path)
    if (below.format === 'qcow2') await readHeader(target, below.path)
    const node = {
      driver: 'qcow2',
      file: { driver: 'file', filename: jailedFiles.source },
      backing: {
        driver: below.format,
        ...(below.format === 'qcow2' ? { backing: null } : {}),
        file: { driver: 'file', filename: jailedFiles.target },
      },
    }
    const maxFileBytes = Math.max(sizeBytes, (await target.stat()).size) + tablesBytes
    const job = { uid, source: source.fd, target: target.fd, maxFileBytes }
    // -d: qemu-img does not empty the upper layer, which is removed afterwards.
    const argv = ['qemu-img', 'commit', '-q', '-d', `json:${JSON.stringify(node)}`]
    await lent(source, uid, () => lent(target, uid, () => runJailed(op, job, argv)))
    await target.sync()
  } catch (error) {
    throw asFailed(error)
  } finally {
    await source.close()
    await target.close()
  }
}

/** Runs `work` while the file belongs to that user. */
export async function lent<T>(handle: FileHandle, uid: number, work: () => Promise<T>): Promise<T> {
  const before = await handle.stat()
  await handle.chmod(0o600)
  await handle.chown(uid, uid)
  try {
    return await work()
  } finally {
    await handle.chown(before.uid, before.gid)
    await handle.chmod(before.mode & 0o777)
  }
}

/** The jail says `invalid` when the tool refuses, which here is no fault of the caller. */
const asFailed = (error: unknown): unknown =>
  error instanceof DriverError && error.code === 'invalid'
    ? new DriverError('failed', error.message, { cause: error })
    : error

/** Opens a layer; raises `failed` for a link or anything that is no plain file. */
export async function openPlain(file: string, flags: number): Promise<FileHandle> {
  const handle = await open(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new DriverError('failed', `${file} is no plain file.`)
}

export function defaultConverter(): number {
  const uids = readGuestUids(defaultGuestUids)
  if (typeof uids === 'string') throw new Error(uids)
  return uids.converter
}
