import fs from 'node:fs'

/**
 * Lets only one agent use a host folder. The lock names its holder by pid and start time, so a lock that
 * a killed agent left (or whose pid another process has now) is recognized as stale and taken over.
 */
type Holder = { pid: number; startTime: string; boot: string }

/** Throws when another agent runs. Returns a function that releases the lock. */
export function takeLock(file: string): () => void {
  const own = JSON.stringify(holderOf(process.pid))
  const draft = `${file}.${process.pid}`
  fs.writeFileSync(draft, own, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      if (linked(draft, file)) return () => release(file, own)
      const content = readIfThere(file)
      if (content === null) continue
      const holder = parse(content)
      if (holder && isAlive(holder))
        throw new Error(`Another agent (pid ${holder.pid}) runs on ${file}. Stop it first.`)
      setAside(file, content)
    }
    throw new Error(`The lock ${file} could not be taken: several agents start at once.`)
  } finally {
    fs.rmSync(draft, { force: true })
  }
}

function linked(draft: string, file: string): boolean {
  try {
    fs.linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes a stale lock; restores it when another process has renewed it in between. */
function setAside(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`
  try {
    fs.renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (readIfThere(aside) !== stale) linked(aside, file)
  fs.rmSync(aside, { force: true })
}

function release(file: string, own: string): void {
  if (readIfThere(file) === own) fs.rmSync(file, { force: true })
}

function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function parse(content: string): Holder | null {
  try {
    const value = JSON.parse(content) as Partial<Holder>
    return typeof value.pid === 'number'
      ? { pid: value.pid, startTime: `${value.startTime}`, boot: `${value.boot}` }
      : null
  } catch {
    return null // the file was cut off by a power loss and counts as no lock
  }
}

function isAlive(holder: Holder): boolean {
  const now = holderOf(holder.pid)
  return now !== null && now.startTime === holder.startTime && now.boot === holder.boot
}

/** Returns null when the process does not exist. */
export function holderOf(pid: number): Holder | null {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name in parentheses may hold any text, so field 22 (start time) is counted from behind the last parenthesis.
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return { pid, startTime, boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() }
}
