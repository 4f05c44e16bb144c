import { stat } from 'node:fs/promises'
import { DriverError } from '../errors.ts'
import { backgroundOp, type Op } from '../op.ts'
import { runProgram } from '../programs/run.ts'

/** How long a measurement counts, in ms: to look at every file takes a while on a host with many. */
const freshMs = 30_000
/** How long a number counts when none comes after it, in ms. */
const trueMs = 300_000
const timeoutMs = 60_000

/**
 * Returns a function that says how many bytes the files in these folders took on their disk a moment ago; null when nobody
 * has measured yet. A file with several names counts once, and holes do not count. Folders that are not there count as
 * empty. The function never waits: it begins a new measurement when the last one is old.
 */
export function writtenIn(folders: readonly string[]): (op: Op) => number | null {
  let bytes: number | null = null
  let at = 0
  let due = 0
  let running = false
  return (op) => {
    if (!running && Date.now() >= due) {
      running = true
      measure(backgroundOp(op.log, 'written', timeoutMs), folders)
        .then((now) => {
          bytes = now
          at = Date.now()
        })
        .catch((err: unknown) => op.log.warn({ err }, 'nobody knows what the disks of the cloud take'))
        .finally(() => {
          running = false
          due = Date.now() + freshMs
        })
    }
    return Date.now() - at < trueMs ? bytes : null
  }
}

async function measure(op: Op, folders: readonly string[]): Promise<number> {
  const there: string[] = []
  for (const folder of folders)
    if (await stat(folder).then(...([() => true, () => false] as const))) there.push(folder)
  if (there.length === 0) return 0
  const args = [
    '-n',
    '19',
    'du',
    '--summarize',
    '--total',
    '--block-size=1',
    '--one-file-system',
    '--',
    ...there,
  ]
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
  const limits = { timeoutMs, maxBuffer: 64 * 1024 }
  const { stdout, stderr } = await runProgram(op.signal, { file: 'nice', args, env, ...limits })
  // du fails for files that have gone while it looked, and yet says the sum of the others.
  const total = /^(\d+)\ttotal$/m.exec(stdout)?.[1]
  if (total === undefined) throw new DriverError('failed', `du: ${stderr.slice(-500)}`)
  return Number(total)
}
