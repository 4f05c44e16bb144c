import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
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
const mostLooks = 20
const betweenMs = 100

/** The process with this real user that has the file open or mapped, also after some more looks; null when there is none. */
export async function holderOf(uid: number, file: string, looks = mostLooks): Promise<number | null> {
  for (let look = 0; ; look += 1) {
    const pid = await openBy(uid, file)
    if (pid === null || look >= looks) return pid
    await sleep(betweenMs)
  }
}

async function openBy(uid: number, file: string): Promise<number | null> {
  const { dev, ino } = await stat(file)
  for (const pid of processesOf(uid)) {
    // A process can map a file and close the descriptor. Each line ends with device, inode and path.
    const maps = await readFile(`/proc/${pid}/maps`, 'latin1').catch(() => '')
    if (maps.includes(` ${deviceOf(dev)} ${ino} `)) return pid
    const folder = `/proc/${pid}/fd`
    for (const name of await readdir(folder).catch(() => [])) {
      // The descriptor or the process may have gone meanwhile.
      const open = await stat(`${folder}/${name}`).catch(() => null)
      if (open?.ino === ino && open.dev === dev) return pid
    }
  }
  return null
}

/** A device number as /proc writes it: major and minor number in hexadecimal digits (makedev(3)). */
function deviceOf(dev: number): string {
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)]
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':')
}
