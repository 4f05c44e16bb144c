import { chmod, chown, open, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { baseOf } from '../disk-base.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BackupFacet, DiskAttachment, DiskCopy } from './interface.ts'
import type { QemuGuest } from './qemu-guest.ts'
import { endJob, jobDone } from './qemu-jobs.ts'
import type { QmpClient } from './qmp.ts'

/** The space that must stay free beside a copy: a copy must never make the disk full for a guest's own writes. */
const spareBytes = 512 * 1024 ** 2

/**
 * Copies disks by QEMU's own backup job: the job copies each block as it was when the job began, and
 * before the guest changes the block, so the guest is never paused. The copy lies beside the disk, where
 * QEMU's user may write, and the caller names no path.
 */
export function createQemuBackup(load: (id: string) => Promise<QemuGuest>): BackupFacet {
  const parts = async (id: string, diskId: string) => {
    const guest = await load(id)
    const disk = guest.spec?.disks.find((one) => one.id === diskId)
    if (!disk) throw new DriverError('not_found', `Instance ${id} has no disk ${diskId}.`)
    return { guest, disk, copy: path.join(guest.paths.home, `copy-${diskId}.qcow2`) }
  }
  return {
    async copyDisk(op, id, diskId) {
      const { guest, disk, copy } = await parts(id, diskId)
      if (!guest.isAlive())
        throw new DriverError(
          'conflict',
          `Instance ${id} is ${guest.power}: its disk can be copied as a file.`,
        )
      const qmp = guest.control()
      const job = `copy-${diskId}`.slice(0, 31)
      await endCopy(qmp, job)
      try {
        await makeTarget(op, qmp, disk, copy)
        return await runJob(op, qmp, { job, disk, copy })
      } catch (error) {
        await endCopy(qmp, job).catch(() => undefined)
        await rm(copy, { force: true })
        throw error
      }
    },
    async dropCopy(_op, id, diskId) {
      const { copy } = await parts(id, diskId)
      await rm(copy, { force: true })
    },
  }
}

/** Makes an empty qcow2 of the disk's size for QEMU's user; raises `no_space` when a full copy would not fit. */
async function makeTarget(op: Op, qmp: QmpClient, disk: DiskAttachment, copy: string): Promise<void> {
  const source = await stat(disk.path)
  const { bavail, bsize } = await statfs(path.dirname(copy))
  const needed = source.blocks * 512 + spareBytes
  if (bavail * bsize < needed)
    throw new DriverError(
      'no_space',
      `A copy of disk ${disk.id} needs ${needed} bytes beside it for a while.`,
    )
  const { virtualBytes, base } = await blockNode(qmp, disk)
  await rm(copy, { force: true })
  // With -u qemu-img writes the name of the base without opening the base. qemu-img reads no file of a guest here.
  const overlay = base === null ? [] : ['-u', '-F', 'raw', '-b', base]
  const made = await execa(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', ...overlay, copy, String(virtualBytes)],
    {
      stdin: 'ignore',
      cancelSignal: op.signal,
      timeout: 60_000,
      maxBuffer: 64 * 1024,
      reject: false,
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    },
  )
  if (made.failed)
    throw new DriverError('failed', `qemu-img create: ${String(made.stderr ?? '').slice(-500)}`)
  await chmod(copy, 0o600)
  await chown(copy, source.uid, source.gid)
}

async function runJob(
  op: Op,
  qmp: QmpClient,
  { job, disk, copy }: { job: string; disk: DiskAttachment; copy: string },
): Promise<DiskCopy> {
  const { node } = await blockNode(qmp, disk)
  const file = { driver: 'file', filename: copy }
  // The target is opened without its base, so that ranges which the overlay does not hold stay holes.
  await qmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': job,
    file,
    backing: null,
    discard: 'unmap',
  })
  const at = new Date().toISOString()
  await qmp.execute('blockdev-backup', {
    'job-id': job,
    device: node,
    target: job,
    sync: 'top',
    'auto-dismiss': false,
  })
  await jobDone(op, qmp, job)
  await qmp.execute('blockdev-del', { 'node-name': job })
  // From now on no guest can change the file that the caller reads.
  await chown(copy, 0, 0)
  await syncFile(copy)
  const { size } = await stat(copy)
  return { path: copy, sizeBytes: size, at }
}

/** The block node through which the guest uses that disk, and the size of the disk in bytes, as the guest sees it. */
async function blockNode(
  qmp: QmpClient,
  disk: DiskAttachment,
): Promise<{ node: string; virtualBytes: number; base: string | null }> {
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as {
    'node-name': string
    file: string
    image: { 'virtual-size': number }
  }[]
  // The disk is found by the node of its file: the file name of the disk's own node is JSON text when
  // its base was handed over as a descriptor.
  const name = nodes.find((node) => /^disk\d+-file$/.test(node['node-name']) && node.file === disk.path)
  const found = nodes.find((node) => `${node['node-name']}-file` === name?.['node-name'])
  if (!found) throw new DriverError('failed', `QEMU does not know the disk ${disk.id}.`)
  const virtualBytes = found.image['virtual-size']
  return { node: found['node-name'], virtualBytes, base: (await baseOf(disk.path)) ?? null }
}

/** Ends what is left of a copy, also of an earlier call or agent: the job, then QEMU's block node of the file. */
async function endCopy(qmp: QmpClient, id: string): Promise<void> {
  await endJob(qmp, id)
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[]
  if (nodes.some((node) => node['node-name'] === id)) await qmp.execute('blockdev-del', { 'node-name': id })
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
