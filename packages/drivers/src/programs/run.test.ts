import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { DriverError } from '../errors.ts'
import { execute } from './execute.ts'
import { runProgram, spawnDetached } from './run.ts'

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
const bounds = { env, timeoutMs: 10_000, maxBuffer: 1_000 }
const never = new AbortController().signal
const dir = mkdtempSync(path.join(tmpdir(), 'stratolith-programs-'))
afterAll(() => rmSync(dir, { recursive: true }))

const parentOf = (pid: number) =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
/** True while any thread of the process is left: a last thread still holds its files open. */
const isThere = (pid: number) => {
  try {
    if (readdirSync(`/proc/${pid}/task`).length > 1) return true
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const until = async (what: () => boolean, ms = 10_000) => {
  for (const end = Date.now() + ms; Date.now() < end && !what(); ) await sleep(20)
  expect(what()).toBe(true)
}

describe.each([
  ['in the runner', runProgram],
  ['here', execute],
])('a program %s', (_, start) => {
  it('gets its input, and its outputs and status are returned', async () => {
    const ended = await start(never, {
      ...bounds,
      file: 'sh',
      args: ['-c', 'cat; echo no >&2; exit 3'],
      input: 'yes\n',
    })
    expect(ended).toMatchObject({ failed: true, exitCode: 3, stdout: 'yes', stderr: 'no' })
    const well = await start(never, { ...bounds, file: 'true', args: [], input: 'x'.repeat(1_000_000) })
    expect(well).toMatchObject({
      failed: false,
      exitCode: 0,
      isCanceled: false,
      timedOut: false,
      isMaxBuffer: false,
    })
  })

  it('has only the environment that it is given', async () => {
    const { stdout } = await start(never, { ...bounds, env: { ...env, A: 'b' }, file: 'env', args: [] })
    expect(stdout.split('\n').sort()).toEqual(['A=b', `PATH=${env.PATH}`])
  })

  it('is ended when it takes too long, prints too much or is cancelled', async () => {
    const slow = { ...bounds, file: 'sleep', args: ['30'], killSignal: 'SIGKILL' as const }
    expect(await start(never, { ...slow, timeoutMs: 50 })).toMatchObject({
      failed: true,
      timedOut: true,
      isCanceled: false,
    })
    expect(await start(never, { ...bounds, file: 'yes', args: [] })).toMatchObject({
      failed: true,
      isMaxBuffer: true,
    })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    expect(await start(stop.signal, slow)).toMatchObject({ failed: true, isCanceled: true, timedOut: false })
    expect(await start(AbortSignal.abort(), slow)).toMatchObject({ failed: true, isCanceled: true })
  })

  it('that does not exist fails with the code ENOENT', async () => {
    expect(await start(never, { ...bounds, file: 'no-such-program', args: [] })).toMatchObject({
      failed: true,
      code: 'ENOENT',
    })
  })
})

/** Starts a detached process whose output is appended to `log`. */
const detached = (file: string, ...args: string[]) => {
  const log = path.join(dir, `${Math.random()}`)
  const begun = spawnDetached({ file, args, cwd: dir, env, descriptors: [{ path: log, flags: 0o1101 }] })
  return { log, begun }
}

describe('a process that outlives us', () => {
  it('writes to the given file, and its end is told', async () => {
    const { log, begun } = detached('sh', '-c', 'echo $PWD; exit 4')
    expect(await (await begun).exited).toEqual({ status: 4, signal: null })
    expect(readFileSync(log, 'utf8')).toBe(`${dir}\n`)
    const killed = await detached('sleep', '30').begun
    process.kill(killed.pid, 'SIGKILL')
    expect(await killed.exited).toEqual({ status: null, signal: 'SIGKILL' })
  })

  it('is refused with the reason when it cannot be started', async () => {
    const missing = spawnDetached({ file: 'no-such-program', args: [], cwd: dir, env, descriptors: [] })
    await expect(missing).rejects.toMatchObject({ code: 'unsupported' })
    const there = path.join(dir, 'no', 'folder')
    const nowhere = { file: 'true', args: [], cwd: dir, env, descriptors: [{ path: there, flags: 0o101 }] }
    await expect(spawnDetached(nowhere)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/ENOENT/),
    })
    const lost = { file: 'true', args: [], cwd: there, env, descriptors: [] }
    await expect(spawnDetached(lost)).rejects.toMatchObject({ code: 'failed' })
  })
})

it('after the runner is killed, programs that ran fail, detached processes live, and a new runner starts the next program', async () => {
  const { pid } = await detached('sleep', '30').begun
  const runner = parentOf(pid)
  const caught = runProgram(never, { ...bounds, file: 'sleep', args: ['3'] }).catch((error: unknown) => error)
  await sleep(100)
  process.kill(runner, 'SIGKILL')
  const error = await caught
  expect(error).toBeInstanceOf(DriverError)
  expect(error).toMatchObject({ code: 'unavailable' })
  expect(isThere(pid)).toBe(true)
  process.kill(pid, 'SIGKILL')
  expect(await runProgram(never, { ...bounds, file: 'echo', args: ['again'] })).toMatchObject({
    stdout: 'again',
  })
})

it('programs are given to another runner when the old one has ended unnoticed', async () => {
  const { pid } = await detached('sleep', '30').begun
  const runner = parentOf(pid)
  process.kill(runner, 'SIGKILL')
  // A busy loop, because a turn of the event loop would notice the end of the runner.
  while (isThere(runner));
  const both = ['one', 'two'].map((word) => runProgram(never, { ...bounds, file: 'echo', args: [word] }))
  const slow = { ...bounds, file: 'sleep', args: ['30'], killSignal: 'SIGKILL' as const }
  const unwanted = runProgram(AbortSignal.abort(), slow)
  expect(await Promise.all([...both, unwanted])).toMatchObject([
    { stdout: 'one' },
    { stdout: 'two' },
    { isCanceled: true },
  ])
  process.kill(pid, 'SIGKILL')
})

it('a program that cannot be started fails, and the runner goes on with the others', async () => {
  const { pid } = await detached('sleep', '30').begun
  const other = runProgram(never, { ...bounds, file: 'sleep', args: ['0.3'] })
  const long = await runProgram(never, { ...bounds, file: 'echo', args: ['x'.repeat(200_000)] })
  expect(long).toMatchObject({ failed: true, stderr: expect.stringMatching(/E2BIG/) })
  expect(await other).toMatchObject({ failed: false })
  const next = await detached('sleep', '30').begun
  expect(parentOf(next.pid)).toBe(parentOf(pid))
  for (const one of [pid, next.pid]) process.kill(one, 'SIGKILL')
})

it('a runner that hangs is killed, and the program that it was to run fails', async () => {
  const { pid } = await detached('sleep', '60').begun
  const hung = parentOf(pid)
  process.kill(hung, 'SIGSTOP')
  const caught = runProgram(never, { ...bounds, timeoutMs: 100, file: 'true', args: [] })
  await expect(caught).rejects.toMatchObject({ code: 'unavailable' })
  await until(() => !isThere(hung), 15_000)
  expect(await runProgram(never, { ...bounds, file: 'echo', args: ['again'] })).toMatchObject({
    stdout: 'again',
  })
  process.kill(pid, 'SIGKILL')
}, 30_000)

/** Starts a process that runs programs, as an agent does, and waits until it has started `guest` and `program`. */
async function anAgent(): Promise<{ agent: number; runner: number; guest: number; program: number }> {
  const words = `
    const { runProgram, spawnDetached } = await import(${JSON.stringify(path.join(import.meta.dirname, 'run.ts'))})
    const of = { cwd: '/', env: ${JSON.stringify(env)} }
    const { pid } = await spawnDetached({ ...of, file: 'sleep', args: ['30'], descriptors: [] })
    void runProgram(new AbortController().signal, { ...of, file: 'sleep', args: ['32.5'], timeoutMs: 60_000, maxBuffer: 100 })
    process.on('SIGUSR2', () => {
      const words = { ...of, file: 'touch', args: [${JSON.stringify(late)}], descriptors: [] }
      for (let i = 0; i < 20; i += 1) void spawnDetached(words)
      process.kill(process.pid, 'SIGKILL')
    })
    console.log(pid, process.pid)
    setInterval(() => undefined, 1_000)`
  const { begun, log } = detached(process.execPath, '--input-type=module', '--eval', words)
  const { pid: agent } = await begun
  await until(() => /^\d+ \d+\n/.test(readFileSync(log, 'utf8')))
  const [guest = 0] = readFileSync(log, 'utf8').split(' ').map(Number)
  const runner = parentOf(guest)
  expect(runner).not.toBe(agent)
  const children = () =>
    readFileSync(`/proc/${runner}/task/${runner}/children`, 'utf8').trim().split(' ').map(Number)
  await until(() => children().length === 2)
  const [program = 0] = children().filter((pid) => pid !== guest)
  return { agent, runner, guest, program }
}
const late = path.join(dir, 'late')

it.each([
  ['while it waits', 'SIGKILL' as const],
  ['just after it has asked for more programs', 'SIGUSR2' as const],
])(
  'when an agent is killed %s, its runner ends, with the programs but without detached processes',
  async (_, signal) => {
    const { agent, runner, guest, program } = await anAgent()
    // The stopped runner learns of the agent's requests and of its end at the same time.
    process.kill(runner, 'SIGSTOP')
    process.kill(agent, signal)
    await until(() => !isThere(agent))
    process.kill(runner, 'SIGCONT')
    await until(() => !isThere(runner) && !isThere(program))
    expect(isThere(guest)).toBe(true)
    expect(existsSync(late)).toBe(false)
    process.kill(guest, 'SIGKILL')
  },
)
