import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import type { GuestUids } from '../guest-uids.ts'
import { processesOf } from '../processes.ts'
import { type GuestPaths, writeAtomic } from './state-files.ts'

/**
 * The claims of user ids on this machine: symbolic links <uid> → home of the guest. Several agents may run
 * on one machine, each with its own data folder; in this directory they see each other's claims. The
 * directory outlives a reboot, as the files of guests do: an agent that starts later must not find its
 * guests' ids given to others.
 */
export const claimsDirectory = '/var/lib/stratolith-guest-uids'

/** A user id of its own for every guest, the same from its first start until it is removed. */
export class Identities {
  readonly #guests: GuestUids['guests']
  readonly #claims: string

  constructor(uids: GuestUids, claims = claimsDirectory) {
    this.#guests = uids.guests
    this.#claims = claims
  }

  /** The recorded user id of the guest; null without a record, or when another agent's guest has the id meanwhile. */
  async known(paths: GuestPaths): Promise<number | null> {
    const text = await readFile(paths.uid, 'utf8').catch(() => '')
    const uid = /^\d{4,10}\n$/.test(text) ? Number(text) : null
    const { first, last } = this.#guests
    if (uid === null || uid < first || uid > last) return null
    return (await this.#claim(uid, paths.home)) ? uid : null
  }

  /** The user id of the guest, a new one at its first start. One call at a time for a guest, whose home must exist. */
  async of(id: string, paths: GuestPaths): Promise<number> {
    const known = await this.known(paths)
    if (known !== null) return known
    const { first, last } = this.#guests
    const size = last - first + 1
    // The search begins at a number made from the guest's id: two new guests rarely try the same user id,
    // and a freed user id rests for a while.
    const start = createHash('sha256').update(id).digest().readUInt32BE(0)
    for (let step = 0; step < size; step += 1) {
      const uid = first + ((start + step) % size)
      if (!(await this.#claim(uid, paths.home))) continue
      await writeAtomic(paths.uid, `${uid}\n`)
      return uid
    }
    throw new DriverError(
      'no_space',
      `All ${size} user ids for guests are taken: give more with STRATOLITH_GUEST_UIDS.`,
    )
  }

  /**
   * Ends every process of the guest's user. Only the guest's QEMU ever runs as this user, but a QEMU that the
   * guest has taken over can leave its folder, so that findQemu() misses it, or fork.
   */
  async end(paths: GuestPaths): Promise<void> {
    const uid = await this.known(paths)
    if (uid === null) return
    for (let round = 0; processesOf(uid).length > 0; round += 1) {
      if (round === 500)
        throw new DriverError('failed', `Processes of user ${uid} cannot be killed: look for a hung disk.`)
      for (const pid of processesOf(uid)) kill(pid)
      await sleep(10)
    }
  }

  /** Ends the processes of the guest's user and makes the user id free for other guests. */
  async free(paths: GuestPaths): Promise<void> {
    const uid = await this.known(paths)
    if (uid === null) return
    await this.end(paths)
    await rm(paths.uid, { force: true })
    await rm(join(this.#claims, String(uid)), { force: true })
  }

  async #claim(uid: number, home: string): Promise<boolean> {
    const link = join(this.#claims, String(uid))
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (await linked(home, link)) return true
      const owner = await readlink(link).catch(() => null)
      if (owner === home) return true
      if (owner === null) continue
      // Otherwise the claim was left behind: its agent was killed or its folder was deleted.
      if (existsSync(owner) || processesOf(uid).length > 0) return false
      await rm(link, { force: true })
    }
    return false
  }
}

async function linked(target: string, link: string): Promise<boolean> {
  try {
    await symlink(target, link)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'ENOENT') throw error
    await mkdir(join(link, '..'), { recursive: true, mode: 0o711 })
    return linked(target, link)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
