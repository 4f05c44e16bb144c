import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { queriesOf, testDeps } from '../kernel/testing.ts'
import { summarizeHosts } from './summary.ts'
import '../register.ts'

let deps: Deps
let close: () => Promise<void>
let system: Ctx
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  system = systemCtx(deps, 'test')
})
afterAll(() => close())

test('all hosts together: how many are in which state, and what is used of what they may give out', async () => {
  const host = (name: string, data: object) =>
    deps.root.host.create({
      data: {
        ...{ id: crypto.randomUUID(), name, endpoint: `fake:${name}`, state: 'up' },
        ...{ vcpus: 16, memoryMib: 8_192, diskGib: 100, vcpusUsed: 3, memoryMibUsed: 1_024, diskGibUsed: 10 },
        ...data,
      },
    })
  expect((await summarizeHosts(system)).vcpus).toEqual({ used: 0, total: 0 })
  await Promise.all([
    host('a', {}),
    host('b', { enabled: false }),
    host('c', { state: 'down' }),
    host('d', { state: 'fenced' }),
  ])
  expect(await summarizeHosts(system)).toEqual({
    ...{ up: 2, suspect: 0, down: 1, fenced: 1, disabled: 1 },
    vcpus: { used: 12, total: 64 },
    memoryMib: { used: 4_096, total: 32_768 },
    diskGib: { used: 40, total: 400 },
  })
  expect(await queriesOf(() => summarizeHosts(system))).toBe(1)
})
