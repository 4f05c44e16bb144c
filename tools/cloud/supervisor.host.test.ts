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
  supervisor = new Supervisor(where, { watch: { everyMs: 100, answerMs: 300, misses: 3, startMisses: 12 } })
})
afterEach(async () => {
  await supervisor.stop()
  vi.restoreAllMocks()
  fs.rmSync(where.data, { recursive: true, force: true })
})

/** A small process with a health check; `answer` is the statement that answers to `q`. */
function spec(name: string, answer: string): ServiceSpec {
  const socketPath = path.join(where.data, `${name}.sock`)
  const code = `
    require('node:fs').rmSync('${socketPath}', { force: true })
    require('node:http').createServer((q, r) => { ${answer} }).listen('${socketPath}', () => console.log('up'))`
  return {
    name,
    command: commandOf(null, ['-e', code]),
    env: {},
    ask: { socketPath, path: '/', alive: '/alive' },
  }
}
const pidOf = (name: string) => leftServices(where)[name]?.pid ?? 0
const eventually = (look: () => unknown) => vi.waitFor(look, { timeout: 60_000, interval: 50 })

test('a process that hangs is ended and started again, and a line says so', async () => {
  const service = spec('frozen', `r.end('ok')`)
  supervisor.start(service)
  await supervisor.ready([service])
  const first = pidOf('frozen')
  await new Promise((resolve) => setTimeout(resolve, 200)) // the watch has seen it well, too
  process.kill(first, 'SIGSTOP')
  await eventually(() => expect(said.join('\n')).toContain(`frozen (pid ${first}) hangs: no answer in 0.3 s`))
  await eventually(() => expect(pidOf('frozen')).not.toBe(first))
  await supervisor.ready([service])
  expect(fs.readFileSync(path.join(where.logs, 'frozen.log'), 'utf8')).toBe('up\nup\n')
})

test('one that answers that it is not well is let alone; one that never comes up gets its time', async () => {
  const ill = spec(
    'ill',
    `if (q.url === '/alive') { r.statusCode = 503; r.end() } else if (!globalThis.asked) { globalThis.asked = true; r.end() }`,
  )
  const slow = spec('slow', `/* says nothing */`)
  for (const one of [ill, slow]) supervisor.start(one)
  const pids = await vi.waitFor(() => {
    expect(pidOf('ill')).toBeGreaterThan(0)
    expect(pidOf('slow')).toBeGreaterThan(0)
    return [pidOf('ill'), pidOf('slow')]
  })
  await new Promise((resolve) => setTimeout(resolve, 2_500)) // many times as long as a hung one lives
  expect([pidOf('ill'), pidOf('slow')]).toEqual(pids)
  expect(said).toEqual([])
  await eventually(() => expect(said.join('\n')).toContain(`slow (pid ${pids[1]}) hangs`))
  expect(pidOf('ill')).toBe(pids[0])
})
