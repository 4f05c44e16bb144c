import fs from 'node:fs'
import { chown, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { baseLink, baseOf, recordBase } from '../disk-base.ts'
import { DriverError } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import type { KeptGuest, ObservedDisk, TrashFacet } from './interface.ts'
import { openTrash } from './trash.ts'

type Place = {
  /** The folder of the host, in which the trash is a folder. */
  dir: string
  findDisks(id: string): Promise<ObservedDisk[]>
  diskPath(spec: { id: string; instanceId: string }): string
}

/** The trash for disks. A disk in it is named "DISK-ID.INSTANCE-ID", and the notes about removed guests lie beside the disks. */
export function diskTrash({ dir, findDisks, diskPath }: Place): TrashFacet {
  const folder = path.join(dir, 'trash')
  const trash = openTrash(folder)
  const guests = openGuestNotes(folder)
  /** Drops the links of disks that are no longer in the trash. */
  const forget = async (names: readonly string[]) => {
    const kept = new Set((await trash.list()).map(({ name }) => name))
    for (const name of names)
      if (!kept.has(name)) await rm(baseLink(path.join(folder, name)), { force: true })
  }
  const moveBack = async (found: Awaited<ReturnType<typeof trash.list>>[number]) => {
    const target = diskPath(idsOf(found.name))
    await mkdir(path.dirname(target), { recursive: true, mode: 0o711 })
    const base = await baseOf(path.join(folder, found.name))
    if (base !== undefined) await recordBase(target, base)
    await trash.takeBack(found, target)
    await forget([found.name])
  }
  const idsOf = (name: string) => {
    const [id = '', instanceId = ''] = name.split('.')
    return { id, instanceId }
  }
  return {
    keepGuest: async (_op, guest) => guests.write(guest),
    dropGuest: async (_op, instanceId) => guests.drop(checkedId(instanceId)),
    async put(_op, diskId) {
      for (const disk of await findDisks(checkedId(diskId))) {
        const name = `${disk.id}.${disk.instanceId}`
        const base = await baseOf(disk.path)
        if (base !== undefined) {
          await mkdir(folder, { recursive: true, mode: 0o700 })
          await recordBase(path.join(folder, name), base)
        }
        await chown(disk.path, 0, 0) // When the disk comes back, another guest may have the user id of its former owner.
        await trash.put(disk.path, name)
        await rm(baseLink(disk.path), { force: true }) // After the disk has gone, so that it is never there without its link.
        await rmdir(path.dirname(disk.path)).catch(() => undefined) // The hypervisor's files may still be in the folder.
      }
    },
    list: async () =>
      Promise.all(
        (await trash.list()).map(async ({ name, sizeBytes, trashedAt }) => {
          const { id, instanceId } = idsOf(name)
          const guest = await guests.read(instanceId)
          return {
            id,
            sizeBytes,
            trashedAt: trashedAt.toISOString(),
            guest: guest ? { name: guest.name, projectId: guest.projectId } : null,
          }
        }),
      ),
    async takeBack(_op, diskId) {
      checkedId(diskId)
      // The newest come first: of a disk that was put into the trash twice, the older one stays there.
      const newest = (await trash.list()).toSorted((a, b) => b.trashedAt.getTime() - a.trashedAt.getTime())
      const found = newest.find(({ name }) => idsOf(name).id === diskId)
      if (!found) throw new DriverError('not_found', `disk ${diskId} is not in the trash`)
      const target = diskPath(idsOf(found.name))
      if (fs.existsSync(target)) throw new DriverError('conflict', `${target} exists already`)
      const { instanceId } = idsOf(found.name)
      const others = newest.filter(({ name }) => name !== found.name && idsOf(name).instanceId === instanceId)
      // The disk itself comes last, so that the call can be repeated after it was cut off.
      for (const one of others) if (!fs.existsSync(diskPath(idsOf(one.name)))) await moveBack(one)
      await moveBack(found)
      return guests.read(instanceId)
    },
    async empty(_op, options) {
      const names = await trash.empty(options)
      await forget(names)
      const waiting = (await trash.list()).map(({ name }) => idsOf(name).instanceId)
      await guests.empty(new Set(waiting), options.olderThanMs)
      return names.map((name) => idsOf(name).id)
    },
  }
}

/**
 * The notes about removed guests, one file for each ("guest-ID.json"). Only root may read them, because they contain
 * tenants' user data. A note is removed with the last disk of its guest in the trash.
 */
function openGuestNotes(folder: string) {
  const fileOf = (instanceId: string) => path.join(folder, `guest-${instanceId}.json`)
  return {
    async write(guest: KeptGuest): Promise<void> {
      const target = fileOf(checkedId(guest.instanceId))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const part = `${target}.part`
      await rm(part, { force: true })
      const file = await open(part, 'wx', 0o600)
      try {
        await file.writeFile(JSON.stringify(guest))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(part, target)
      await syncDirectory(folder)
    },
    /** The note about a guest; null when there is none or it cannot be parsed: the disk is useful without it. */
    async read(instanceId: string): Promise<KeptGuest | null> {
      try {
        return JSON.parse(await readFile(fileOf(instanceId), 'utf8')) as KeptGuest
      } catch {
        return null
      }
    },
    drop: (instanceId: string) => rm(fileOf(instanceId), { force: true }),
    /** Removes old notes of guests without a disk in the trash; `waiting` are the instances that have such a disk. */
    async empty(waiting: ReadonlySet<string>, olderThanMs: number): Promise<void> {
      for (const name of await readdir(folder).catch(() => [])) {
        const instanceId = /^guest-([0-9a-f-]{36})\.json(\.part)?$/.exec(name)?.[1]
        if (instanceId === undefined || waiting.has(instanceId)) continue
        const file = path.join(folder, name)
        const found = await stat(file).catch(() => null)
        if (found && Date.now() - found.mtimeMs >= olderThanMs) await rm(file, { force: true })
      }
    },
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
function checkedId(id: string): string {
  if (!uuid.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}
