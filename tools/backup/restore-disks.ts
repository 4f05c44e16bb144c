import fs from 'node:fs'
import path from 'node:path'
import { storages } from '@stratolith/drivers/storage/registry'
import type { Places } from '../cloud/paths.ts'
import { baseFile, sourceOfBase } from './bases.ts'
import { plainOp } from './disks.ts'
import { baseNameOf, copyFile, nameBase } from './files.ts'
import { type DiskPlan, type Plan, runningGuests } from './plan.ts'
import { Progress } from './progress.ts'

/** Root's, until the agent gives it to the guest's own user at its next start. */
export const giveToGuest = (file: string): void => fs.chownSync(file, 0, 0)

/** What the disks lie on, made of the image bytes as an agent makes it, or from the backup as it was. */
export async function makeBases(where: Places, plan: Plan): Promise<void> {
  const wanted = [...new Set(plan.disks.flatMap(({ disk }) => disk.base ?? []))]
  const progress = new Progress('Bases of disks', 0)
  const storage = storages.files({
    imagesDir: path.join(where.data, 'images'),
    // Any host's: they share the bases.
    dir: path.join(where.data, 'hosts', [...plan.hosts.values()][0] ?? 'host-1'),
  })
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
): Promise<void> {
  const home = path.dirname(target)
  fs.mkdirSync(path.dirname(home), { recursive: true, mode: 0o711 })
  if (!fs.existsSync(home)) fs.mkdirSync(home, { mode: 0o711 })
  const file = plan.backup.manifest.files.find((one) => one.path === disk.path)
  if (!file) throw new Error(`The disk ${disk.diskId} is not in the backup.`)
  const draft = `${target}.restoring`
  await copyFile(path.join(plan.backup.dir, disk.path), draft, { onBytes: progress.add, wanted: file.sha256 })
  if (disk.base !== null) nameBase(draft, baseFile(where, disk.base))
  else if (baseNameOf(draft) !== null)
    throw new Error(`The disk ${disk.diskId} names a base that nobody recorded.`)
  giveToGuest(draft)
  if (what === 'replace') {
    if (runningGuests().has(disk.instanceId))
      throw new Error(
        `The guest of instance ${disk.instanceId} was started meanwhile: its disk was not touched.`,
      )
    const trash = path.join(path.dirname(path.dirname(home)), 'trash')
    fs.mkdirSync(trash, { recursive: true, mode: 0o700 })
    // The name says what it was and since when it is there (packages/drivers/src/storage).
    fs.renameSync(target, path.join(trash, `${disk.diskId}.${disk.instanceId}@${Date.now()}`))
  }
  fs.renameSync(draft, target)
}
