import fs from 'node:fs'
import path from 'node:path'
import { recordBase } from '@stratolith/drivers/disk-base'
import { defaultGuestUids, readGuestUids } from '@stratolith/drivers/guest-uids'
import { storages } from '@stratolith/drivers/storage/registry'
import type { Places } from '../cloud/paths.ts'
import { baseFile, sourceOfBase } from './bases.ts'
import { within } from './beneath.ts'
import { plainOp } from './disks.ts'
import { copyFile, nameBase } from './files.ts'
import { type DiskPlan, type Plan, runningGuests } from './plan.ts'
import { Progress } from './progress.ts'

/** The storage driver of a host whose agent does not run; its image tools run as they do for the agent. */
function storageOf(where: Places, host: string) {
  const uids = readGuestUids(process.env.STRATOLITH_GUEST_UIDS ?? defaultGuestUids)
  if (typeof uids === 'string') throw new Error(`STRATOLITH_GUEST_UIDS: ${uids}`)
  return storages.files({
    imagesDir: path.join(where.data, 'images'),
    dir: path.join(where.data, 'hosts', host),
    converter: uids.converter,
  })
}

/** Makes the bases of the disks from image bytes, as an agent does, or copies them from the backup. */
export async function makeBases(where: Places, plan: Plan): Promise<void> {
  const wanted = [...new Set(plan.disks.flatMap(({ disk }) => disk.base ?? []))]
  const progress = new Progress('Bases of disks', 0)
  // The storage of any host will do, because all hosts share the bases.
  const storage = storageOf(where, [...plan.hosts.values()][0] ?? 'host-1')
  let made = 0
  for (const id of wanted) {
    const from = sourceOfBase(where, plan.backup, id)
    // Nothing is to be made: an existing disk keeps its base, and the plan leaves out other disks on this base.
    if (from === null || from === 'there') continue
    if ('image' in from) {
      const base = { blobId: id, format: from.image.format, maxVirtualBytes: from.image.virtualBytes }
      // ensureBase returns null until a long conversion is done.
      for (let done = false; !done; ) done = (await storage.ensureBase(plainOp(), base)) !== null
    } else
      await within(plan.backup.folder, `${plan.backup.name}/${from.file}`, (source) =>
        within(
          where.data,
          path.relative(where.data, baseFile(where, id)),
          (base) => copyFile(source, base, { mode: 0o444, wanted: from.sha256 }),
          () => 0o711,
        ),
      )
    made += 1
  }
  progress.end(`${made} made`)
}

/** Puts a disk back. An existing disk goes into the trash of its host first, so nothing is lost. */
export async function putDisk(
  where: Places,
  plan: Plan,
  one: DiskPlan,
  progress: Progress,
  /** Called when the disk's place is free and only a rename is left to do. */
  onFree: () => void,
): Promise<void> {
  const { disk } = one
  const file = plan.backup.manifest.files.find(({ path }) => path === disk.path)
  if (!file) throw new Error(`The disk ${disk.diskId} is not in the backup.`)
  const put = async (target: string) => {
    const draft = `${target}.restoring`
    // The disk belongs to root until the agent gives it to the guest's user at the next start.
    const how = { onBytes: progress.add, wanted: file.sha256, owner: { uid: 0, gid: 0 } }
    await within(plan.backup.folder, `${plan.backup.name}/${disk.path}`, (source) =>
      copyFile(source, draft, how),
    )
    if (disk.base !== null) nameBase(draft, baseFile(where, disk.base))
    if (one.do === 'replace') await makeWay(where, plan, one)
    // The agent uses this record and not the header, which a guest may have written.
    await recordBase(target, disk.base === null ? null : baseFile(where, disk.base))
    onFree()
    fs.renameSync(draft, target)
  }
  await within(where.data, one.target, put, () => 0o711)
}

async function makeWay(where: Places, plan: Plan, { disk }: DiskPlan): Promise<void> {
  if (runningGuests().has(disk.instanceId))
    throw new Error(
      `The guest of instance ${disk.instanceId} was started meanwhile: its disk was not touched.`,
    )
  const storage = storageOf(where, plan.hosts.get(disk.host) ?? disk.host)
  await storage.probe(plainOp())
  await storage.trash?.put(plainOp(), disk.diskId)
}
