import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { GuestDiagnostics } from './interface.ts'
import type { QemuGuest } from './qemu-guest.ts'

const cpuList = z.array(z.looseObject({ 'cpu-index': z.number(), 'thread-id': z.number() }))
const blockList = z.array(
  z.looseObject({
    qdev: z.string().optional(),
    stats: z.looseObject({
      rd_bytes: z.number(),
      rd_operations: z.number(),
      wr_bytes: z.number(),
      wr_operations: z.number(),
      failed_rd_operations: z.number(),
      failed_wr_operations: z.number(),
    }),
  }),
)
/** The kernel counts in hundredths of a second (USER_HZ is 100 on every architecture of ours). */
const tickNs = 10_000_000

/** The counters that QEMU keeps of its guest's disks and NICs, and those that the kernel keeps of QEMU's threads. */
export async function guestDiagnostics(guest: QemuGuest): Promise<GuestDiagnostics> {
  const { pid, startedAt } = guest.observed()
  if (pid === null || startedAt === null)
    throw new DriverError('conflict', `Instance ${guest.id} does not run.`)
  const qmp = guest.control()
  const cpus = cpuList.parse(await qmp.execute('query-cpus-fast'))
  const blocks = blockList.parse(await qmp.execute('query-blockstats'))
  return {
    cpus: await Promise.all(
      cpus.map(async (cpu) => ({ id: cpu['cpu-index'], timeNs: await threadTime(pid, cpu['thread-id']) })),
    ),
    disks: blocks
      .filter((block) => block.qdev?.includes('blk'))
      .map(({ stats }) => ({
        readBytes: stats.rd_bytes,
        readRequests: stats.rd_operations,
        writeBytes: stats.wr_bytes,
        writeRequests: stats.wr_operations,
        errors: stats.failed_rd_operations + stats.failed_wr_operations,
      })),
    uptimeSeconds: Math.max(0, Math.floor((Date.now() - Date.parse(startedAt)) / 1000)),
  }
}

/** utime + stime of /proc/PID/task/TID/stat (fields 14 and 15 of proc(5)); 0 when the thread is gone. */
async function threadTime(pid: number, tid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${tid}/stat`, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickNs
}
