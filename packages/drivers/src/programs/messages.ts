/** A program to run to its end. All that is not said here is as execa has it. */
export type Program = {
  file: string
  args: readonly string[]
  input?: string
  cwd?: string
  /** All of its environment. */
  env: Readonly<Record<string, string>>
  timeoutMs: number
  /** Of each of its outputs, in bytes. */
  maxBuffer: number
  killSignal?: NodeJS.Signals
}

/** How it ended. `failed`: not with status 0, or not by itself. */
export type Ended = {
  failed: boolean
  stdout: string
  stderr: string
  exitCode?: number
  signal?: string
  /** The system's word when it could not be started, as ENOENT. */
  code?: string
  isCanceled: boolean
  timedOut: boolean
  isMaxBuffer: boolean
}

/** A process that outlives us, in a session of its own. */
export type Detached = {
  file: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  /** What it inherits after an empty standard input, by number; files are opened as the flags of open(2) say. */
  descriptors: readonly { path: string; flags: number }[]
}

/** To the runner. */
export type Request =
  | { id: number; run: Program }
  | { id: number; detach: Detached }
  | { id: number; cancel: true }
  | { id: number; ping: true }
/** From the runner; of a detached process first that it has begun, then how it has ended. */
export type Reply =
  | { id: number; ended: Ended }
  | { id: number; pid: number }
  | { id: number; pong: true }
  /** It could not be started. `isMissing`: there is no such program. */
  | { id: number; refused: { message: string; isMissing: boolean } }
  | { id: number; exit: { status: number | null; signal: string | null } }
