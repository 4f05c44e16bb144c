import { chown, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import { defaultGuestUids, type GuestUids, readGuestUids } from '../guest-uids.ts'
import { Cgroups } from './cgroups.ts'
import { Identities } from './identity.ts'
import type { GuestIsolation, InstanceSpec } from './interface.ts'
import type { QemuGuest } from './qemu-guest.ts'
import type { GuestPaths } from './state-files.ts'
import { swapsOf } from './swap.ts'
import { giveTaps } from './tap-owner.ts'

/**
 * When the machine runs out of memory, the kernel ends the process with the highest score. With this
 * score (1000 would stand for all memory) a guest is ended before the database and our own processes (0).
 */
const oomScore = 500

/** Keeps guests apart from each other and from the machine: by a user, a cgroup and an OOM score for each guest. */
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
    return { users: true, ...(await this.#opened()).facts, swap: await swapsOf() }
  }

  uidOf(id: string, paths: GuestPaths): Promise<number> {
    return this.#identities.of(id, paths)
  }

  /** Claims the guest's user id again at the agent's start, in case somebody has removed the claim. */
  async adopt(paths: GuestPaths): Promise<void> {
    await this.#identities.known(paths)
  }

  async bound(pid: number, { id, vcpus, memoryMib, disks }: InstanceSpec): Promise<void> {
    const shares = { vcpus, memoryMib, disks: disks.length }
    try {
      await (await this.#opened()).place(id, pid, shares)
    } catch {
      // The cgroups that were found when the agent started may have changed: find them again.
      this.#cgroups = null
      await (await this.#opened()).place(id, pid, shares)
    }
    await writeFile(`/proc/${pid}/oom_score_adj`, String(oomScore))
  }

  /** Gives the tap to the user of the guest's process, which is the old common user when an older agent started the guest. */
  async giveTap(guest: QemuGuest, tap: string): Promise<void> {
    await giveTaps(this.#netns, await this.runningUid(guest), [tap])
  }

  /** The user of the guest's process. */
  async runningUid(guest: QemuGuest): Promise<number> {
    const status = await readFile(`/proc/${guest.observed().pid}/status`, 'latin1').catch(() => '')
    const uid = /^Uid:\t(\d+)/m.exec(status)?.[1]
    if (uid === undefined) throw new DriverError('conflict', `Instance ${guest.id} does not run.`)
    return Number(uid)
  }

  /**
   * The user of the guest's process, whom alone the guest's volumes may have. Raises `conflict` when an older agent has
   * started the guest as a user that it shares with other guests.
   */
  async ownUid(guest: QemuGuest): Promise<number> {
    const uid = await this.runningUid(guest)
    if (uid === (await this.#identities.known(guest.paths))) return uid
    throw new DriverError(
      'conflict',
      `Instance ${guest.id} runs without a user of its own: stop and start the guest first.`,
    )
  }

  /** Ends every process of the guest's user, whatever its working directory. */
  end(paths: GuestPaths): Promise<void> {
    return this.#identities.end(paths)
  }

  /** Leaves nothing that belongs to the guest's user, so that another guest may get the user id. */
  async remove(guest: QemuGuest): Promise<void> {
    await this.end(guest.paths)
    await (await this.#opened()).remove(guest.id)
    const { home } = guest.paths
    // The guest's disks lie in this folder, too.
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
