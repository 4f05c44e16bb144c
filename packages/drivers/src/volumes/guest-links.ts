import { randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import { holderOf } from '../processes.ts'
import type { OpenedLayers, PoolSpec } from './interface.ts'
import type { VolumeKeys } from './keys.ts'
import { filesIn, linkName, linkOwn, openedIn, readableByAll } from './layer-files.ts'
import { checkLayer } from './layers.ts'
import { readAnyManifest, readManifest } from './manifest.ts'

/**
 * The links by which the process of a guest reaches the layers of its volumes, in open/<guest>/ of a pool. They are also the
 * host's knowledge of who has a volume.
 */

/** The guest that has a volume, and the folder of its links. */
export type Holder = { guest: string; own: string }

/**
 * Gives a guest, whose folder of links is `own`, the layers of a volume. Raises `conflict` while another guest has it, unless the volume is shared. A
 * shared volume is one raw file: two QEMUs would each keep what they know of a qcow2 in memory, and destroy it.
 */
export async function openFor(
  dir: string,
  own: string,
  { id, shared, encrypted }: { id: string; shared?: true; encrypted?: true },
  guest: { id: string; uid: number },
  keys: VolumeKeys | null,
): Promise<OpenedLayers> {
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
  const other = (await holders(path.dirname(own), id)).find((one) => one.guest !== guest.id)
  if (other && !shared) throw new DriverError('conflict', `The guest ${other.guest} has the volume ${id}.`)
  if (shared && (manifest.layers.length > 1 || manifest.layers[0]?.format !== 'raw'))
    throw new DriverError('unsupported', `The volume ${id} has layers, which guests cannot share.`)
  const { luks } = manifest
  if (encrypted && !luks)
    throw new DriverError('failed', `The volume ${id} should be encrypted, and its files are plain.`)
  if (luks && (!keys || shared))
    throw new DriverError('unsupported', `This host does not open the encrypted volume ${id} so.`)
  for (const { name, format } of manifest.layers)
    if (format === 'qcow2') await checkLayer(path.join(dir, name))
  const keyFile = luks && (await keys?.lend(id, luks.keyHash, guest))
  await mkdir(own, { recursive: true, mode: 0o710 })
  await chown(own, 0, guest.uid)
  await chmod(own, 0o710)
  await linkOwn(own, id, dir, manifest)
  // A merge that was interrupted has left a lower layer to the guest of then.
  for (const { path: lower } of filesIn(dir, manifest).slice(0, -1)) await readableByAll(lower)
  const top = path.join(dir, manifest.layers.at(-1)?.name ?? '')
  await giveFile(top, shared ? 0 : guest.uid)
  // Every user may write the file, and only those reach it who may pass a folder with a link to it.
  if (shared) await chmod(top, 0o666)
  return { ...openedIn(own, id, manifest), ...(keyFile ? { luks: { keyFile } } : {}) }
}

/**
 * Takes a volume away from the guest whose folder of links this is. Raises `failed` when a process of the guest has the
 * volume still open: a QEMU that was taken over could read and write what the next owner keeps there.
 */
export async function closeFor(dir: string, own: string, id: string): Promise<void> {
  const top = (await readAnyManifest(dir))?.layers.at(-1)
  const folder = await stat(own).catch(() => null)
  const demandClosed = async (looks?: number) => {
    const holder = top && folder ? await holderOf(folder.gid, path.join(dir, top.name), looks) : null
    if (holder !== null)
      throw new DriverError('failed', `The process ${holder} of the guest has the volume ${id} still open.`)
  }
  // The guest has the volume until its process lets go.
  await demandClosed()
  for (const name of await readdir(own).catch(none))
    if (name.startsWith(`${id}-`)) await rm(path.join(own, name), { force: true })
  // The process may have opened the volume again before the links were gone.
  await demandClosed(0).catch(async (error: unknown) => {
    if (top) await link(path.join(dir, top.name), path.join(own, linkName(id, top)))
    throw error
  })
  if (top && (await holders(path.dirname(own), id)).length === 0) await giveFile(path.join(dir, top.name), 0)
}

/** The guests that have links to the volume. */
export async function holders(open: string, id: string): Promise<Holder[]> {
  const found: Holder[] = []
  for (const name of await readdir(open).catch(none)) {
    const own = path.join(open, name)
    if ((await readdir(own).catch(none)).some((one) => one.startsWith(`${id}-`)))
      found.push({ guest: name.slice(0, 36), own })
  }
  return found
}

/**
 * The folder of a guest's links. In a pool that several hosts see, its name has a part that nobody can guess: guests of
 * two hosts may have the same user id, and a guest that has taken over its QEMU must not find the other's folder.
 */
export async function ownIn(open: string, guestId: string, pool: PoolSpec): Promise<string> {
  const isShared = pool.driver === 'files' && pool.shared === true
  if (!isShared) return path.join(open, guestId)
  const known = (await readdir(open).catch(none)).find((name) => name.startsWith(`${guestId}.`))
  return path.join(open, known ?? `${guestId}.${randomBytes(16).toString('hex')}`)
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
  throw error
}
