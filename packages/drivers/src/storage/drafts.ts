import { readdir, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'

const draft = /^disk-[0-9a-f-]{36}\.qcow2\.\d+\.(raw|part)$/

/**
 * Removes the drafts of disks that a killed agent has left in the folders of instances, and the folders that have nothing
 * else. It runs at the start of an agent, before the agent makes a disk.
 */
export async function removeDrafts(instances: string): Promise<void> {
  for (const entry of await readdir(instances, { withFileTypes: true }).catch(missing)) {
    if (!entry.isDirectory()) continue
    const folder = path.join(instances, entry.name)
    const drafts = (await readdir(folder).catch(missing)).filter((name) => draft.test(name))
    for (const name of drafts) await rm(path.join(folder, name), { force: true })
    // Other files of the guest may be in the folder.
    if (drafts.length > 0) await rmdir(folder).catch(() => undefined)
  }
}

function missing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return []
  throw error
}
