import { mkdir, open, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import type { Op } from '../op.ts'
import { qemuImg } from '../qemu-img.ts'
import { fileError } from './image-store.ts'
import type { LocalDiskSpec } from './interface.ts'
import { jailedFiles, runJailed } from './jail.ts'
import { putInPlace } from './put-in-place.ts'

/**
 * The features of each file system. They are named, because the defaults are those of the machine, and a newer machine
 * would make file systems that the kernels of older guests cannot mount.
 */
const common = 'ext_attr,resize_inode,dir_index,filetype,sparse_super,large_file'
const features = {
  ext2: common,
  ext3: `${common},has_journal`,
  ext4: `${common},has_journal,extent,flex_bg,huge_file,dir_nlink,extra_isize,64bit,metadata_csum`,
}

/**
 * Makes an ephemeral or swap disk. The disk is formatted as a sparse raw file that we have made ourselves, in the jail of
 * the image tools, and becomes a qcow2 like every disk of a guest, which takes only the room of what is written.
 */
export async function makeLocalDisk(
  op: Op,
  { sizeMib, format, label }: LocalDiskSpec,
  { disk, uid }: { disk: string; uid: number },
): Promise<void> {
  const dir = path.dirname(disk)
  const bytes = sizeMib * 1024 ** 2
  const [raw, part] = [`${disk}.${process.pid}.raw`, `${disk}.${process.pid}.part`]
  await mkdir(dir, { recursive: true, mode: 0o711 })
  for (const draft of [raw, part]) await rm(draft, { force: true })
  try {
    if (format === null) await qemuImg(op, ['create', '-q', '-f', 'qcow2', part, String(bytes)])
    else {
      await makeFormatted(op, raw, { bytes, uid, argv: formatting(format, label) })
      await qemuImg(op, ['convert', '-f', 'raw', '-O', 'qcow2', raw, part])
    }
    await putInPlace(part, disk, null)
  } catch (error) {
    await rm(part, { force: true })
    await rm(raw, { force: true })
    await rmdir(dir).catch(() => undefined) // Other files of the guest may be in the folder.
    throw fileError(error)
  }
  await rm(raw, { force: true })
}

function formatting(format: NonNullable<LocalDiskSpec['format']>, label: string): string[] {
  if (format === 'swap') return ['mkswap', jailedFiles.target]
  return [
    ...['mke2fs', '-q', '-F', '-t', format, '-L', label, '-O', `none,${features[format]}`],
    // The guest writes the tables of inodes later, so that even a large disk is made at once.
    ...['-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard', jailedFiles.target],
  ]
}

async function makeFormatted(
  op: Op,
  raw: string,
  { bytes, uid, argv }: { bytes: number; uid: number; argv: string[] },
): Promise<void> {
  const file = await open(raw, 'wx+', 0o600)
  try {
    await file.truncate(bytes)
    await file.chown(uid, uid)
    await runJailed(op, { uid, source: file.fd, target: file.fd, maxFileBytes: bytes }, argv)
    await file.chown(0, 0)
  } finally {
    await file.close()
  }
}
