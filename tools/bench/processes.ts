import fs from 'node:fs'

/** The children of every process. */
export function children(): Map<number, number[]> {
  const tree = new Map<number, number[]>()
  for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(statOf(Number(name))?.[1])
    if (parent > 0) tree.set(parent, [...(tree.get(parent) ?? []), Number(name)])
  }
  return tree
}

/** The processor time in ms of a process, its present children and those it has reaped. */
export function cpuOfTree(pid: number): number {
  const pids = [pid, ...(children().get(pid) ?? [])]
  const ticks = pids.flatMap((one) => statOf(one)?.slice(11, 15) ?? []).map(Number)
  return ticks.reduce((sum, tick) => sum + tick, 0) * msPerTick
}

/** USER_HZ is 100 on every Linux that Node runs on (proc(5)). */
const msPerTick = 10

/** The fields of /proc/PID/stat from the third (state) on; null when the process has ended. */
function statOf(pid: number): string[] | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
