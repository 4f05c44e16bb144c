import type { HeldBackView } from '../kernel/contract.ts'

/** The shapes of the system page: versions, processes, database and disk. This file can be loaded in a browser. */
export type ProcessView = {
  /** One of "api", "worker", "agent", "console-proxy", "web". */
  name: string
  pid: number
  running: boolean
  /** When the process started; null when it does not run. */
  startedAt: string | null
  memoryMib: number | null
}
export type SystemView = {
  region: string
  publicUrl: string
  /** The machine on which the control plane runs. */
  machine: { name: string; system: string; processors: number; memoryMib: number; freeMemoryMib: number }
  versions: { node: string; postgresql: string }
  /** The applied migrations, newest first. */
  migrations: { name: string; at: string }[]
  database: { sizeBytes: number; connections: number }
  /** The database transaction that delays events on pages, if any. */
  heldBack: HeldBackView | null
  /** The numbers of jobs that wait and of jobs that have failed for good. */
  jobs: { waiting: number; failed: number }
  /** The data folder's disk; null when the folder cannot be read. */
  disk: { totalBytes: number; freeBytes: number } | null
  processes: ProcessView[]
}
