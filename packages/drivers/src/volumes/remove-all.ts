import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Op } from '../op.ts'
import { createRbdVolumes } from './rbd.ts'
import { runtimeOf } from './rbd-open.ts'

/**
 * Takes the volumes of other machines from all guests of these host folders, which are about to be deleted, and ends the
 * servers, for `npm run destroy`. The guests' processes must have ended. The volumes themselves stay where they are.
 */
export async function closeAllServed(op: Op, hostDirectories: readonly string[]): Promise<void> {
  for (const dir of hostDirectories) {
    const driver = createRbdVolumes({
      ...{ dir, host: path.basename(dir), log: op.log, serverUid: 0, imagesDir: dir },
      withGuest: (_op, _guest, work) => work(null),
      baseOf: async () => null,
    })
    await driver.close()
    const guests = await readdir(path.join(dir, 'open-volumes')).catch(() => [])
    // A storage that does not answer does not keep anybody from the removal of the cloud: closeVolumes only writes it down.
    for (const guest of guests) await driver.closeVolumes(op, guest, [])
    await rm(runtimeOf(dir), { recursive: true, force: true })
  }
}
