import type { HeldBackView } from '../kernel/contract.ts'

/** What the cloud is made of and how its processes do. Browser-safe. */
export type ProcessView = {
  /** "api", "worker", "agent", "console-proxy", "web" */
  name: string
  pid: number
  running: boolean
  /** Null when it does not run. */
  startedAt: string | null
  memoryMib: number | null
}
export type SystemView = {
  region: string
  publicUrl: string
  /** Of the machine that the control plane runs on. */
  machine: { name: string; system: string; processors: number; memoryMib: number; freeMemoryMib: number }
  versions: { node: string; postgresql: string }
  /** Newest first: what the schema has become. */
  migrations: { name: string; at: string }[]
  database: { sizeBytes: number; connections: number }
  /** Who delays what pages show, when somebody does. */
  heldBack: HeldBackView | null
  /** Work of the worker that waits, and that has failed for good. */
  jobs: { waiting: number; failed: number }
  /** The data folder's disk; null when the folder cannot be read. */
  disk: { totalBytes: number; freeBytes: number } | null
  processes: ProcessView[]
}
