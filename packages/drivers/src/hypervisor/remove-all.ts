import { readdir, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Cgroups } from './cgroups.ts'
import { claimsDirectory } from './identity.ts'

/**
 * Removes the cgroups and frees the user ids of guests whose host folders are about to be deleted, for
 * `npm run destroy`. The guests' processes must have ended.
 */
export async function removeGuestTraces(hostDirectories: readonly string[]): Promise<void> {
  const cgroups = await Cgroups.open()
  for (const directory of hostDirectories)
    for (const id of await readdir(join(directory, 'instances')).catch(() => [])) await cgroups.remove(id)
  await cgroups.close()
  for (const uid of await readdir(claimsDirectory).catch(() => [])) {
    const claim = join(claimsDirectory, uid)
    const home = await readlink(claim).catch(() => '')
    if (hostDirectories.some((directory) => home.startsWith(join(directory, 'instances/'))))
      await rm(claim, { force: true })
  }
}
