import fs from 'node:fs'
import path from 'node:path'
import { recordBase } from '@stratolith/drivers/disk-base'
import { defaultGuestUids, readGuestUids } from '@stratolith/drivers/guest-uids'
import { storages } from '@stratolith/drivers/storage/registry'
import type { Places } from '../cloud/paths.ts'
import { baseFile, sourceOfBase } from './bases.ts'
import { plainOp } from './disks.ts'
import { copyFile, nameBase } from './files.ts'
import { type DiskPlan, type Plan, runningGuests } from './plan.ts'
import { Progress } from './progress.ts'

/** Root's, until the agent gives it to the guest's own user at its next start. */
export const takeForRoot = (file: string): void => fs.chownSync(file, 0, 0)

/** A host's own storage, while its agent does not run; its image tools run as the agent's. */
function storageOf(where: Places, host: string) {
  const uids = readGuestUids(process.env.STRATOLITH_GUEST_UIDS ?? defaultGuestUids)
  if (typeof uids === 'string') throw new Error(`STRATOLITH_GUEST_UIDS: ${uids}`)
  return storages.files({
    imagesDir: path.join(where.data, 'images'),
    dir: path.join(where.data, 'hosts', host),
    converter: uids.converter,
  })
}

/** What the disks lie on, made of the image bytes as an agent makes it, or from the backup as it was. */
export async function makeBases(where: Places, plan: Plan): Promise<void> {
  const wanted = [...new Set(plan.disks.flatMap(({ disk }) => disk.base ?? []))]
  const progress = new Progress('Bases of disks', 0)
  // Any host's: they share the bases.
  const storage = storageOf(where, [...plan.hosts.values()][0] ?? 'host-1')
  let made = 0
  for (const id of wanted) {
    const from = sourceOfBase(where, plan.backup, id)
    // None: planned so. A disk that is there keeps what it lies on, others on this base are left out.
    if (from === null || from === 'there') continue
    if ('image' in from) {
      const base = { blobId: id, format: from.image.format, maxVirtualBytes: from.image.virtualBytes }
      // A long conversion answers null until it is done.
      for (let done = false; !done; ) done = (await storage.ensureBase(plainOp(), base)) !== null
    } else await copyFile(from.file, baseFile(where, id), { mode: 0o444, wanted: from.sha256 })
    made += 1
  }
  progress.end(`${made} made`)
}

/** The one that is there, if any, goes into the trash of its host first; nothing is thrown away. */
export async function putDisk(
  where: Places,
  plan: Plan,
  { disk, target, do: what }: DiskPlan,
  progress: Progress,
  /** Called when its place is free and the rest is one rename. */
  onFree: () => void,
): Promise<void> {
  const home = path.dirname(target)
  fs.mkdirSync(path.dirname(home), { recursive: true, mode: 0o711 })
  if (!fs.existsSync(home)) fs.mkdirSync(home, { mode: 0o711 })
  const file = plan.backup.manifest.files.find((one) => one.path === disk.path)
  if (!file) throw new Error(`The disk ${disk.diskId} is not in the backup.`)
  const draft = `${target}.restoring`
  await copyFile(path.join(plan.backup.dir, disk.path), draft, { onBytes: progress.add, wanted: file.sha256 })
  if (disk.base !== null) nameBase(draft, baseFile(where, disk.base))
  takeForRoot(draft)
  if (what === 'replace') {
    if (runningGuests().has(disk.instanceId))
      throw new Error(
        `The guest of instance ${disk.instanceId} was started meanwhile: its disk was not touched.`,
      )
    const storage = storageOf(where, plan.hosts.get(disk.host) ?? disk.host)
    await storage.probe(plainOp())
    await storage.trash?.put(plainOp(), disk.diskId)
  }
  // What the agent believes, and not the header, which a guest may have written.
  await recordBase(target, disk.base === null ? null : baseFile(where, disk.base))
  onFree()
  fs.renameSync(draft, target)
}
