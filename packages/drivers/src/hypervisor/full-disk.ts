import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import type { QmpClient } from './qmp.ts'

/**
 * A guest that writes while the disk of the host is full is stopped by QEMU (werror=enospc, the default of its disks), and has
 * lost nothing: the write is repeated when the guest goes on.
 */

export const diskIsFull = 'The disk of the host is full. The guest goes on by itself when there is room.'
export const diskFailed = 'The disk of the guest reported an error.'

/** How often a stopped guest's disks are looked at, in ms. This is a variable only for tests. */
export const fullDiskPatience = { lookEveryMs: 5_000 }

/** The guest goes on with so much room, or with that part of the file system when it is small. */
const enoughBytes = 1024 ** 3
const enoughPart = 0.05

/** Why QEMU has stopped the guest; null when no disk is the reason. */
export async function reasonOfStop(qmp: QmpClient): Promise<string | null> {
  const devices = (await qmp.execute('query-block')) as { 'io-status'?: string }[]
  const states = new Set(devices.map((device) => device['io-status']))
  return states.has('nospace') ? diskIsFull : states.has('failed') ? diskFailed : null
}

/** Whether there is room again on all file systems to which the guest writes. */
export async function hasRoom(qmp: QmpClient): Promise<boolean> {
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as {
    drv: string
    ro: boolean
    file: string
  }[]
  const folders = new Set(
    nodes.filter(({ drv, ro }) => drv === 'file' && !ro).map(({ file }) => path.dirname(file)),
  )
  for (const folder of folders) {
    const { blocks, bavail, bsize } = await statfs(folder)
    if (bavail * bsize < Math.min(enoughBytes, blocks * bsize * enoughPart)) return false
  }
  return true
}

/** Turns "disk full" into `no_space`: only an administrator can mend that, so trying again is useless. */
export function recordNotWritten(error: unknown): unknown {
  return isDiskFull(error)
    ? new DriverError('no_space', 'The disk of the host is full: the record of a guest cannot be written.', {
        cause: error,
      })
    : error
}
