import { chown, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError } from '../errors.ts'
import { defaultGuestUids, type GuestUids, readGuestUids } from '../guest-uids.ts'
import { Cgroups } from './cgroups.ts'
import { Identities } from './identity.ts'
import type { GuestIsolation, InstanceSpec } from './interface.ts'
import type { QemuGuest } from './qemu-guest.ts'
import { type GuestPaths, giveFile } from './state-files.ts'
import { giveTaps } from './tap-owner.ts'

/**
 * When the machine runs out of memory the kernel ends the process with the highest score: a guest
 * before the database and our own processes (0), whatever their sizes (1000 is all memory there is).
 */
const oomScore = 500

/** What keeps one guest from the others and from the machine: its user, its cgroup, its OOM score. */
export class Isolation {
  readonly uids: GuestUids
  readonly #identities: Identities
  readonly #netns: string | null
  #cgroups: Promise<Cgroups> | null = null

  constructor(given: GuestUids | undefined, netns: string | null) {
    const uids = given ?? readGuestUids(defaultGuestUids)
    if (typeof uids === 'string') throw new DriverError('invalid', uids)
    this.uids = uids
    this.#identities = new Identities(uids)
    this.#netns = netns
  }

  async facts(): Promise<GuestIsolation> {
    return { users: true, ...(await this.#opened()).facts }
  }

  uidOf(id: string, paths: GuestPaths): Promise<number> {
    return this.#identities.of(id, paths)
  }

  /** Claims the guest's id again at the agent's start, should somebody have removed its claim. */
  async adopt(paths: GuestPaths): Promise<void> {
    await this.#identities.known(paths)
  }

  async bound(pid: number, { id, vcpus, memoryMib, disks }: InstanceSpec): Promise<void> {
    const shares = { vcpus, memoryMib, disks: disks.length }
    try {
      await (await this.#opened()).place(id, pid, shares)
    } catch {
      // what was there when the agent started may have changed
      this.#cgroups = null
      await (await this.#opened()).place(id, pid, shares)
    }
    await writeFile(`/proc/${pid}/oom_score_adj`, String(oomScore))
  }

  /** To whom the guest's process belongs, which is the old common user when an older agent started it. */
  async giveTap(guest: QemuGuest, tap: string): Promise<void> {
    const status = await readFile(`/proc/${guest.observed().pid}/status`, 'latin1').catch(() => '')
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1]
    if (uid === undefined) throw new DriverError('conflict', `Instance ${guest.id} does not run.`)
    await giveTaps(this.#netns, Number(uid), [tap])
  }

  /** Ends all that runs as the guest's user, wherever it has gone. */
  end(paths: GuestPaths): Promise<void> {
    return this.#identities.end(paths)
  }

  /** After its process has ended: nothing is left that belongs to its user, and another may get its id. */
  async remove(guest: QemuGuest): Promise<void> {
    await this.end(guest.paths)
    await (await this.#opened()).remove(guest.id)
    const { home } = guest.paths
    // Its disks, too, lie there.
    for (const entry of await readdir(home, { withFileTypes: true }).catch(() => []))
      if (entry.isFile()) await giveFile(join(home, entry.name), 0).catch(unlessGone)
    await chown(home, 0, 0).catch(unlessGone)
    await this.#identities.free(guest.paths)
  }

  #opened(): Promise<Cgroups> {
    this.#cgroups ??= Cgroups.open().catch((error: unknown) => {
      this.#cgroups = null
      throw error
    })
    return this.#cgroups
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
