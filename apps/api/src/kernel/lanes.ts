import { hostFlag, type Lane, projectFlag } from './workflow.ts'

/**
 * How many operations run at once. Half of all slots of a lane are as many as one project gets,
 * three quarters as many as one host: neither holds up the others. What is more than that waits in
 * the queue, in its order, and holds no slot.
 */
export const defaultSlots: Record<Lane, number> = { short: 12, long: 6 }
const share = { project: 1 / 2, host: 3 / 4 }
/** So long we do not try again what other workers had filled up, unless one of ours ends before. */
const restMs = 300

/** What one worker has under way in one lane, by flags of the jobs ("project:…", "host:…"). */
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

  /** In the whole cloud. */
  get project(): number {
    return Math.max(1, Math.floor(this.#slots * this.#workers() * share.project))
  }
  get host(): number {
    return Math.max(1, Math.floor(this.#slots * this.#workers() * share.host))
  }

  /** Flags of jobs that the queue shall not give us now. */
  forbidden(): string[] {
    const now = performance.now()
    for (const [flag, until] of this.#fullUntil) if (until < now) this.#fullUntil.delete(flag)
    const mine = [...this.#counts].filter(([flag, count]) => count >= this.#most(flag)).map(([flag]) => flag)
    return [...new Set([...mine, ...this.#fullUntil.keys()])]
  }

  /** False: as many run as may; several slots may have asked the queue at the same moment. */
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

  /** The database says that so many run in all workers together. */
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
