import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { HypervisorEvent } from '../hypervisor/interface.ts'
import { EventStream, rememberedGuests } from './events.ts'
import { unixConnection } from './transport.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'events-'))
const socketPath = path.join(folder, 'agent.sock')
/** The lines that the agent sends at each connection. It then closes the connection, except the last one. */
let said: unknown[][] = []
let server: http.Server
let stream: EventStream
const told: HypervisorEvent[] = []
const troubles: Error[] = []

beforeEach(async () => {
  server = http.createServer((_request, response) => {
    for (const line of said.shift() ?? []) response.write(`${JSON.stringify(line)}\n`)
    if (said.length > 0) response.end()
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  stream = new EventStream(unixConnection(socketPath), (error) => troubles.push(error))
})
afterEach(async () => {
  stream.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  fs.rmSync(folder, { recursive: true })
})

const event = (n: number): HypervisorEvent => ({
  instanceId: `guest-${n}`,
  power: 'running',
  reason: null,
  at: '2026-01-01T00:00:00Z',
})

it('the stream remembers the power of a limited number of guests and ignores malformed events', async () => {
  const many = Array.from({ length: rememberedGuests + 1 }, (_, n) => ({ event: event(n) }))
  said = [
    [{ snapshot: [] }, ...many, { event: { ...event(0), instanceId: 'x'.repeat(1e6) } }],
    [
      { snapshot: [null, event(0), event(1), event(rememberedGuests)] },
      { event: { ...event(2), power: 'off' } },
    ],
  ]
  stream.subscribe((one) => told.push(one))
  await expect.poll(() => told.at(-1)?.power, { timeout: 60_000 }).toBe('off')
  expect(told.slice(many.length).map((one) => one.instanceId)).toEqual(['guest-0', 'guest-2'])
  expect(troubles[0]?.message).toContain('not a generated id')
})
