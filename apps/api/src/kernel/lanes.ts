import { hostFlag, type Lane, projectFlag } from './workflow.ts'

/**
 * How many operations a worker runs at once, by lane. One project gets at most half of all slots of a lane and one
 * host at most three quarters, so that neither holds up the others. Further operations wait in
 * the queue, in their order, and take no slot.
 */
export const defaultSlots: Record<Lane, number> = { short: 12, long: 6 }
const share = { project: 1 / 2, host: 3 / 4 }
/** How long a project or host that other workers have filled up is not tried again, in ms, unless one of our operations ends before. */
const restMs = 300

/** The operations that one worker runs in one lane, counted by the flags of their jobs ("project:…", "host:…"). */
export class LaneSlots {
  readonly lane: Lane
  readonly #slots: number
  readonly #workers: () => number
  readonly #counts = new Map<string, number>()
  readonly #fullUntil = new Map<string, number>()

  constructor(lane: Lane, slots: number, workers: () => number) {
    this.lane = lane
    this.#slots = slots
    this.#workers = workers
  }

  /** How many operations of one project may run in the whole cloud. */
  get project(): number {
    return Math.max(1, Math.floor(this.#slots * this.#workers() * share.project))
  }
  get host(): number {
    return Math.max(1, Math.floor(this.#slots * this.#workers() * share.host))
  }

  /** The flags of jobs that this worker must not take now. */
  forbidden(): string[] {
    const now = performance.now()
    for (const [flag, until] of this.#fullUntil) if (until < now) this.#fullUntil.delete(flag)
    const mine = [...this.#counts].filter(([flag, count]) => count >= this.#most(flag)).map(([flag]) => flag)
    return [...new Set([...mine, ...this.#fullUntil.keys()])]
  }

  /** Counts a job that begins. False when the limit is reached, because several slots have asked the queue at the same moment. */
  enter(flags: readonly string[]): boolean {
    if (flags.some((flag) => (this.#counts.get(flag) ?? 0) >= this.#most(flag))) return false
    for (const flag of flags) this.#counts.set(flag, (this.#counts.get(flag) ?? 0) + 1)
    return true
  }
  leave(flags: readonly string[]): void {
    for (const flag of flags) {
      const left = (this.#counts.get(flag) ?? 1) - 1
      if (left > 0) this.#counts.set(flag, left)
      else this.#counts.delete(flag)
      this.#fullUntil.delete(flag)
    }
  }

  /** Takes note of the numbers that run in all workers together, as the database counts them. */
  counted(row: { projectId: string | null; hostId: string | null; ofProject: number; ofHost: number }): void {
    const until = performance.now() + restMs
    if (row.projectId !== null && row.ofProject >= this.project)
      this.#fullUntil.set(projectFlag(row.projectId), until)
    if (row.hostId !== null && row.ofHost >= this.host) this.#fullUntil.set(hostFlag(row.hostId), until)
  }

  #most(flag: string): number {
    return flag.startsWith('host:') ? this.host : this.project
  }
}
