import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { commandOf } from './launch.ts'
import type { Places } from './paths.ts'
import { leftServices, type ServiceSpec, Supervisor } from './supervisor.ts'

let where: Places
let supervisor: Supervisor
const said: string[] = []

beforeEach(() => {
  const data = fs.mkdtempSync('/var/tmp/stratolith-supervisor-')
  where = { data, run: data, logs: data, secrets: data, cache: data }
  said.length = 0
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text))
  supervisor = new Supervisor(where, { watch: { everyMs: 250, answerMs: 2_000, misses: 3, startMisses: 3 } })
})
afterEach(async () => {
  await supervisor.stop()
  vi.restoreAllMocks()
  fs.rmSync(where.data, { recursive: true, force: true })
})

/** A small process with a health check; `answer` is the statement that answers the request `q`. It logs its requests. */
function spec(name: string, answer: string, delayMs = 0): ServiceSpec {
  const socketPath = path.join(where.data, `${name}.sock`)
  const code = `
    require('node:fs').rmSync('${socketPath}', { force: true })
    const server = require('node:http').createServer((q, r) => { console.log(q.url); ${answer} })
    setTimeout(() => server.listen('${socketPath}', () => console.log('up')), ${delayMs})`
  return {
    name,
    command: commandOf(null, ['-e', code]),
    env: {},
    ask: { socketPath, path: '/', alive: '/alive' },
  }
}
const pidOf = (name: string) => leftServices(where)[name]?.pid ?? 0
const eventually = (look: () => unknown) => vi.waitFor(look, { timeout: 60_000, interval: 50 })
const log = (name: string) => fs.readFileSync(path.join(where.logs, `${name}.log`), 'utf8').split('\n')
/** Waits until the process was well once and was checked again: from now on it must answer. */
const watched = (name: string, times = 1) =>
  eventually(() => expect(log(name).filter((line) => line === '/alive').length).toBeGreaterThanOrEqual(times))

test('a process that hangs is ended and started again, and the log says so', async () => {
  const service = spec('frozen', `r.end('ok')`)
  supervisor.start(service)
  await watched('frozen')
  const first = pidOf('frozen')
  process.kill(first, 'SIGSTOP')
  await eventually(() => expect(said.join('\n')).toContain(`frozen (pid ${first}) hangs: no answer in 2 s`))
  await eventually(() => expect(pidOf('frozen')).not.toBe(first))
  await supervisor.ready([service])
  expect(log('frozen').filter((line) => line === 'up')).toHaveLength(2)
})

test('a process that answers but is not well, or does not listen yet, is left alone, and one that never answers is restarted', async () => {
  const ill = spec('ill', `if (q.url === '/alive') r.statusCode = 503; r.end()`)
  // Like the agent, which adopts its guests before it listens, this process takes longer than all checks of a hung one.
  const adopting = spec('adopting', 'r.end()', 4_000)
  const mute = spec('mute', '/* says nothing */')
  for (const one of [ill, adopting, mute]) supervisor.start(one)
  const [first, second] = [pidOf('ill'), pidOf('adopting')]
  const third = pidOf('mute')
  await eventually(() => expect(said.join('\n')).toContain(`mute (pid ${third}) hangs: no answer in 2 s`))
  await Promise.all([watched('ill', 10), watched('adopting')])
  expect([pidOf('ill'), pidOf('adopting')]).toEqual([first, second])
  expect(said.filter((line) => !line.startsWith('mute'))).toEqual([])
})
