import { readdirSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ids of the processes with this real user; zombies do not count. */
export function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid)) return false
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1')
        return status.includes(`\nUid:\t${uid}\t`) && !status.includes('\nState:\tZ')
      } catch {
        return false // The process ended meanwhile.
      }
    })
}

/** How often a process is looked at again before it counts as one that does not let go. */
const looks = 20
const betweenMs = 100

/** The process with this real user that has the file open, also after some time; null when there is none. */
export async function holderOf(uid: number, file: string): Promise<number | null> {
  for (let look = 0; ; look += 1) {
    const pid = await openBy(uid, file)
    if (pid === null || look === looks) return pid
    await sleep(betweenMs)
  }
}

async function openBy(uid: number, file: string): Promise<number | null> {
  const { dev, ino } = await stat(file)
  for (const pid of processesOf(uid)) {
    const folder = `/proc/${pid}/fd`
    for (const name of await readdir(folder).catch(() => [])) {
      // The descriptor or the process may have gone meanwhile.
      const open = await stat(`${folder}/${name}`).catch(() => null)
      if (open?.ino === ino && open.dev === dev) return pid
    }
  }
  return null
}
