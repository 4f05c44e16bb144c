/** A program to run to its end. Fields mean what they mean in execa. */
export type Program = {
  file: string
  args: readonly string[]
  input?: string
  cwd?: string
  /** The whole environment of the program. */
  env: Readonly<Record<string, string>>
  timeoutMs: number
  /** The limit of each output (stdout, stderr), in bytes. */
  maxBuffer: number
  killSignal?: NodeJS.Signals
}

/** How a program ended. `failed`: its status was not 0, or it was killed or could not start. */
export type Ended = {
  failed: boolean
  stdout: string
  stderr: string
  exitCode?: number
  signal?: string
  /** The system's error code when the program could not be started, such as ENOENT. */
  code?: string
  isCanceled: boolean
  timedOut: boolean
  isMaxBuffer: boolean
}

/** A process that outlives this one, in a session of its own. */
export type Detached = {
  file: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  /** The descriptors 1, 2, … of the process, after an empty standard input; `flags` are those of open(2). */
  descriptors: readonly { path: string; flags: number }[]
}

/** A message to the runner. */
export type Request =
  | { id: number; run: Program }
  | { id: number; detach: Detached }
  | { id: number; cancel: true }
  | { id: number; ping: true }
/** A message from the runner. A detached process has two replies: its pid when it has begun, and later how it ended. */
export type Reply =
  | { id: number; ended: Ended }
  | { id: number; pid: number }
  | { id: number; pong: true }
  /** The program could not be started. `isMissing`: there is no such program. */
  | { id: number; refused: { message: string; isMissing: boolean } }
  | { id: number; exit: { status: number | null; signal: string | null } }
