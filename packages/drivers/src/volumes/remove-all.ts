import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Op } from '../op.ts'
import { createIscsiVolumes, type IscsiVolumes } from './iscsi.ts'
import { openLunsIn } from './iscsi-open.ts'
import { createRbdVolumes, type RbdVolumes } from './rbd.ts'
import { runtimeOf } from './rbd-open.ts'

/**
 * Takes the volumes of other machines from all guests of these host folders, which are about to be deleted, and ends the
 * servers, for `npm run destroy`. The guests' processes must have ended. The volumes themselves stay where they are.
 */
export async function closeAllServed(op: Op, hostDirectories: readonly string[]): Promise<void> {
  for (const dir of hostDirectories) {
    const options = {
      ...{ dir, host: path.basename(dir), log: op.log, serverUid: 0, imagesDir: dir },
      withGuest: <T>(_op: Op, _guest: string, work: (running: null) => Promise<T>) => work(null),
      baseOf: async () => null,
    }
    await closeAllOf(op, createRbdVolumes(options), path.join(dir, 'open-volumes'))
    await closeAllOf(op, createIscsiVolumes(options), openLunsIn(dir))
    await rm(runtimeOf(dir), { recursive: true, force: true })
  }
}

/** `records`: the folder with a folder for each guest that has volumes of the driver. */
async function closeAllOf(op: Op, driver: RbdVolumes | IscsiVolumes, records: string): Promise<void> {
  await driver.close()
  const guests = await readdir(records).catch(() => [])
  // A storage that does not answer does not keep anybody from the removal of the cloud: closeVolumes only writes it down.
  for (const guest of guests) await driver.closeVolumes(op, guest, [])
}
