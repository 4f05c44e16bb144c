import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { ProcessView } from './contract.ts'

/** Linux gives the start of a process in ticks since boot (getconf CLK_TCK, the same on all our machines). */
const ticksPerSecond = 100
const recordSchema = z.record(z.string(), z.object({ pid: z.number().int(), startTime: z.string() }))

/** The processes that `npm start` has recorded, each with its state in the kernel. */
export async function readProcesses(dataDir: string): Promise<ProcessView[]> {
  const text = await fs.readFile(path.join(dataDir, 'run/services.json'), 'utf8').catch(() => '{}')
  const record = recordSchema.safeParse(JSON.parse(text))
  if (!record.success) return []
  const bootMs = await bootTimeMs()
  return Promise.all(
    Object.entries(record.data).map(([name, { pid, startTime }]) => oneProcess(name, pid, startTime, bootMs)),
  )
}

/** The view of one process. Its start time shows whether the process id belongs to another program by now. */
async function oneProcess(
  name: string,
  pid: number,
  startTime: string,
  bootMs: number | null,
): Promise<ProcessView> {
  const [stat, status] = await Promise.all([
    fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    fs.readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
  ])
  // The fields after the name, which is in brackets and may contain anything; the 22nd of all fields is the start time.
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  if (started !== startTime) return { name, pid, running: false, startedAt: null, memoryMib: null }
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  return {
    name,
    pid,
    running: true,
    startedAt:
      bootMs === null ? null : new Date(bootMs + (Number(started) / ticksPerSecond) * 1000).toISOString(),
    memoryMib: resident === undefined ? null : Math.round(Number(resident) / 1024),
  }
}

async function bootTimeMs(): Promise<number | null> {
  const stat = await fs.readFile('/proc/stat', 'utf8').catch(() => '')
  const seconds = /^btime (\d+)/m.exec(stat)?.[1]
  return seconds === undefined ? null : Number(seconds) * 1000
}
