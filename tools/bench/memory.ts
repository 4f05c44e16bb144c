import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { Cloud } from '../../e2e/support/cloud.ts'
import { children } from './processes.ts'
import type { Report } from './report.ts'

type Size = { rss: number; pss: number }

/** Measures the memory of each of our processes and of PostgreSQL, with children but without guests and DHCP servers. */
export async function memory(cloud: Cloud, report: Report): Promise<void> {
  const roots = await rootsOf(cloud)
  const tree = children()
  const sum: Size = { rss: 0, pss: 0 }
  for (const [name, pid] of roots) {
    const size = sizeOf(family(pid, tree, new Set([...roots.values()].filter((other) => other !== pid))))
    sum.rss += size.rss
    sum.pss += size.pss
    report({ metric: `memory ${name}`, value: size.pss, unit: 'MB', note: `PSS; RSS ${size.rss.toFixed(0)}` })
  }
  const empty = await emptyNode()
  report({
    metric: 'memory of the control plane',
    value: sum.pss,
    unit: 'MB',
    floor: empty * (roots.size - 1),
    target: '≤ 700',
    note: `PSS of all; RSS ${sum.rss.toFixed(0)} (shared pages counted in each); floor: as many Nodes that run nothing`,
  })
}

/** The memory of an idle Node process, beside other Node processes. */
async function emptyNode(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const size = sizeOf(child.pid ? [child.pid] : [])
  child.kill('SIGKILL')
  return size.pss
}

async function rootsOf({ data }: Cloud): Promise<Map<string, number>> {
  const read = (file: string) => fs.readFileSync(path.join(data, file), 'utf8')
  const supervisor = JSON.parse(read('run/cloud.json')) as { pid: number }
  const services = JSON.parse(read('run/services.json')) as Record<string, { pid: number }>
  const roots = new Map([['supervisor', supervisor.pid]])
  for (const [name, { pid }] of Object.entries(services)) roots.set(name, pid)
  if (fs.existsSync(path.join(data, 'postgres/data/postmaster.pid')))
    roots.set('PostgreSQL', Number(read('postgres/data/postmaster.pid').split('\n')[0]))
  return roots
}

/** A process and its children that belong to the control plane, without guests and DHCP servers. */
function family(pid: number, tree: Map<number, number[]>, others: ReadonlySet<number>): number[] {
  const below = (tree.get(pid) ?? []).filter((child) => !others.has(child) && isControl(child))
  return [pid, ...below.flatMap((child) => family(child, tree, others))]
}

function isControl(pid: number): boolean {
  try {
    return !/qemu|dnsmasq/.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

/** The memory of processes in megabytes (10^6 bytes), from the kernel's own sums. */
export function sizeOf(pids: readonly number[]): Size {
  const size: Size = { rss: 0, pss: 0 }
  for (const pid of pids) {
    try {
      const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      const kib = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
      size.rss += (kib('Rss') * 1024) / 1e6
      size.pss += (kib('Pss') * 1024) / 1e6
    } catch {
      // The process ended meanwhile.
    }
  }
  return size
}
