// @ts-check
import { execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'

/**
 * The runner is the parent process of all programs (run.ts says why, and starts it). It has to stay small, so it
 * imports only Node's built-in modules and is JavaScript: a Node process that reads TypeScript is three times as large.
 * The runner ends with the process that started it; then it also ends its programs, but not detached processes.
 *
 * @import { ExecFileException } from 'node:child_process'
 * @import { Detached, Program, Reply, Request } from './messages.ts'
 */
process.title = 'stratolith-run'
const parent = Number(process.argv[2])
/** The functions that cancel the running programs. @type {Map<number, () => void>} */
const running = new Map()
/** @param {Reply} message */
const reply = (message) => {
  // A failed send is ignored: the agent is gone, and 'disconnect' follows.
  if (process.connected) process.send?.(message, () => undefined)
}

function end() {
  for (const cancel of running.values()) cancel()
  process.exit(0)
}
process.on('disconnect', end)
process.on('message', (/** @type {Request} */ request) => {
  // A request of an agent that was killed meanwhile is not begun.
  if (process.ppid !== parent) end()
  if ('cancel' in request) running.get(request.id)?.()
  else if ('ping' in request) reply({ id: request.id, pong: true })
  else if ('run' in request) attempt(request.id, () => run(request.id, request.run))
  else attempt(request.id, () => detach(request.id, request.detach))
})

/**
 * Answers also for programs that Node refuses by throwing (no memory, too long an argument).
 *
 * @param {number} id
 * @param {() => void} start
 */
function attempt(id, start) {
  try {
    start()
  } catch (error) {
    refuse(id, error)
  }
}

/**
 * Runs a program. The reply comes only when the program has ended, also after it was cancelled.
 *
 * @param {number} id
 * @param {Program} program
 */
function run(id, { file, args, input = '', cwd = '/', env, timeoutMs: timeout, maxBuffer, killSignal }) {
  let isCanceled = false
  const options = { cwd, env, timeout, maxBuffer, killSignal }
  const child = execFile(file, args, options, (error, stdout, stderr) => {
    running.delete(id)
    const outputs = { stdout: withoutNewline(stdout), stderr: withoutNewline(stderr) }
    reply({ id, ended: { ...outputs, ...how(error, isCanceled) } })
  })
  running.set(id, () => {
    isCanceled = true
    child.kill(killSignal)
  })
  // A program may end without reading all of its input; its status says whether that is a failure.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
}

/**
 * @param {ExecFileException | null} error
 * @param {boolean} isCanceled
 */
function how(error, isCanceled) {
  const code = error?.code
  const isMaxBuffer = `${code}` === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
  return {
    failed: error !== null,
    exitCode: error === null ? 0 : typeof code === 'number' ? code : undefined,
    signal: error?.signal ?? undefined,
    code: typeof code === 'string' ? code : undefined,
    isCanceled: error !== null && isCanceled,
    isMaxBuffer,
    timedOut: error?.killed === true && !isCanceled && !isMaxBuffer,
  }
}

/** @param {string} text */
const withoutNewline = (text) => (text.endsWith('\n') ? text.slice(0, -1) : text)

/**
 * @param {number} id
 * @param {Detached} what
 */
function detach(id, { file, args, cwd, env, descriptors }) {
  /** @type {number[]} */
  const opened = []
  try {
    for (const { path, flags } of descriptors) opened.push(openSync(path, flags, 0o600))
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', ...opened] })
    child.unref()
    child.once('spawn', () => child.pid && reply({ id, pid: child.pid }))
    child.once('error', (error) => refuse(id, error, cwd))
    child.once('exit', (status, signal) => reply({ id, exit: { status, signal } }))
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

/**
 * @param {number} id
 * @param {unknown} error
 * @param {string} cwd
 */
function refuse(id, error, cwd = '/') {
  const { message, code, syscall } = /** @type {NodeJS.ErrnoException} */ (error)
  // A missing working directory or file has the same code.
  const isMissing = code === 'ENOENT' && syscall?.startsWith('spawn') === true && existsSync(cwd)
  reply({ id, refused: { message, isMissing } })
}
