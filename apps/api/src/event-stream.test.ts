import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { grantRole } from './directory/roles/assignments.ts'
import { assignRole, removeRole } from './directory/roles/by-name.ts'
import { addGroupMember, createGroup } from './directory/users/groups.ts'
import { mostStreams, streamEvents } from './event-stream.ts'
import { rightsNow, signIn } from './identity/service.ts'
import { testCloud, testUser } from './identity/testing.ts'
import { anonymousCtx, authenticate } from './identity/tokens.ts'
import { type Ctx, type Deps, systemCtx } from './kernel/context.ts'
import { EventHub } from './kernel/event-hub.ts'

let cloud: Awaited<ReturnType<typeof testCloud>>
let deps: Deps
let system: Ctx
let hub: EventHub
beforeAll(async () => {
  cloud = await testCloud()
  deps = cloud.deps
  system = systemCtx(deps, 'test')
  hub = new EventHub(deps)
  await hub.start()
})
afterAll(async () => {
  await hub.close()
  await cloud.close()
})

async function signedIn(role = 'reader') {
  const who = await testUser(deps, { role })
  const input = { user: who.name, password: who.password, domain: 'Default' }
  const { token } = await signIn(anonymousCtx(deps, 'test'), input, '192.0.2.1')
  const ctx = await authenticate(deps, token, 'test')
  if (!ctx) throw new Error('not signed in')
  return { who, ctx }
}

/** Follows the stream of a person in their own project: what has come so far, and whether the stream has ended. */
async function followed(role: string) {
  const { who, ctx } = await signedIn(role)
  const app = Fastify()
  app.get('/events', (request, reply) => streamEvents(hub, ctx, request, reply, () => rightsNow(ctx)))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const seen = { text: '', ended: false }
  const answer = await fetch(`${url}/events`)
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) seen.text += decoder.decode(chunk, { stream: true })
    seen.ended = true
  })()
  await vi.waitFor(() => expect(seen.text).toMatch(/event: rights\ndata: .*\n\n/))
  const stop = async () => {
    app.server.closeAllConnections()
    await reading.catch(() => undefined)
    await app.close()
  }
  return { who, seen, stop }
}
const changed = (text: string): number => text.split('event: rights.changed').length - 1

test('a person who gains or loses a role hears of it, and the stream ends so that it begins with the new rights', async () => {
  for (const change of ['gain', 'gain by a group', 'loss of one', 'loss of all'] as const) {
    const role = change === 'loss of one' ? 'member' : 'reader'
    const { who, seen, stop } = await followed(role)
    const roles = role === 'member' ? ['member', 'reader'] : ['reader']
    const told = /event: rights\ndata: (.*)\n/.exec(seen.text)?.[1] ?? '[]'
    expect(JSON.parse(told).sort(), 'the roles of now').toEqual(roles)
    const target = { projectId: who.projectId }
    if (change === 'gain') await assignRole(system, { userId: who.userId, role: 'member', target })
    if (change === 'gain by a group') {
      const group = await createGroup(system, { name: `group-of-${who.name}` })
      const where = { domainKey_name: { domainKey: '', name: 'member' } }
      const { id: roleId } = await deps.root.role.findUniqueOrThrow({ where })
      await grantRole(system, { groupId: group.id, roleId, ...target })
      await addGroupMember(system, { groupId: group.id, userId: who.userId })
    }
    if (change === 'loss of one') {
      await assignRole(system, { userId: who.userId, role: 'reader', target })
      await removeRole(system, { userId: who.userId, role: 'member', target })
    }
    if (change === 'loss of all') await removeRole(system, { userId: who.userId, role: 'reader', target })
    // Sooner than the check that is made every five seconds.
    await vi.waitFor(() => expect(seen.ended, change).toBe(true), { timeout: 4_000 })
    expect(changed(seen.text), change).toBe(1)
    await stop()
  }
})

test('a change of other people’s rights does not disturb the stream', async () => {
  const { seen, stop } = await followed('member')
  const other = await testUser(deps, { role: 'reader' })
  await assignRole(system, { userId: other.userId, role: 'member', target: { projectId: other.projectId } })
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect([seen.ended, changed(seen.text)]).toEqual([false, 0])
  await stop()
})

test('many changes of the directory while the database is slow are one question more, and not one each', async () => {
  const who = await testUser(deps)
  const { token } = await signIn(
    anonymousCtx(deps, 'test'),
    { user: who.name, password: who.password, domain: 'Default' },
    '192.0.2.1',
  )
  const ctx = await authenticate(deps, token, 'test')
  if (!ctx) throw new Error('not signed in')
  const answers: ((roles: ReadonlySet<string>) => void)[] = []
  const rights = () => new Promise<ReadonlySet<string>>((resolve) => answers.push(resolve))
  const app = Fastify()
  app.get('/events', (request, reply) => streamEvents(hub, ctx, request, reply, rights))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`${url}/events`)
  for (let n = 0; n < 5; n++) {
    await createGroup(system, { name: `many-${n}-${who.name}` })
    // Each is a batch of its own.
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  answers[0]?.(ctx.roles)
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  app.server.closeAllConnections()
  await answer.text().catch(() => '')
  await app.close()
})

test('a user has a bounded number of streams, and a stream that ends makes room (R6)', async () => {
  const { ctx } = await signedIn()
  const app = Fastify()
  app.get('/events', (request, reply) => streamEvents(hub, ctx, request, reply, () => rightsNow(ctx)))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const leaving = Array.from({ length: mostStreams }, () => new AbortController())
  const follow = (signal?: AbortSignal) => fetch(`${url}/events`, signal ? { signal } : {})
  const opened = await Promise.all(leaving.map(({ signal }) => follow(signal)))
  expect(opened.every(({ status }) => status === 200)).toBe(true)
  const refused = await follow()
  expect([refused.status, await refused.text()]).toEqual([500, expect.stringContaining('too many pages')])
  leaving[0]?.abort()
  await vi.waitFor(async () => {
    const { status, body } = await follow()
    await body?.cancel()
    expect(status).toBe(200)
  })
  app.server.closeAllConnections()
  await app.close()
})

test.each([0, 300])(
  'a reader who leaves before the stream begins leaves nothing behind (%i ms)',
  async (ms) => {
    const { ctx } = await signedIn()
    const app = Fastify()
    const done = { began: 0, ended: 0 }
    app.get('/events', async (request, reply) => {
      done.began += 1
      // The caller's token is looked up, and then the cursor.
      await new Promise((resolve) => setTimeout(resolve, ms))
      await streamEvents(hub, ctx, request, reply, () => rightsNow(ctx))
      done.ended += 1
    })
    const slowly = vi.spyOn(hub, 'resume').mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return null
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const leaving = new AbortController()
    const asked = fetch(`${url}/events?after=1.1.1`, { signal: leaving.signal }).catch(() => null)
    await vi.waitFor(() => expect(done.began).toBe(1))
    leaving.abort()
    await asked
    await vi.waitFor(() => expect(done.ended).toBe(1), { timeout: 4_000 })
    slowly.mockRestore()
    await app.close()
  },
)

test('a reader who leaves while old events are read for them leaves nothing behind', async () => {
  const { ctx } = await signedIn()
  const event = { cursor: '1.1.1', at: '', kind: 'x.y', projectId: null, resourceKind: 'x', resourceId: 'x' }
  let left: () => void = () => undefined
  const leaves = new Promise<void>((resolve) => {
    left = resolve
  })
  const replay = vi.spyOn(hub, 'subscribe').mockImplementation(async function* () {
    await leaves
    for (let i = 0; i < 3; i++) yield { ...event, operationId: null, data: {} }
  })
  const app = Fastify()
  const done = { began: 0, ended: 0 }
  app.get('/events', async (request, reply) => {
    done.began += 1
    reply.raw.on('close', left)
    await streamEvents(hub, ctx, request, reply, () => rightsNow(ctx))
    done.ended += 1
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const leaving = new AbortController()
  const answer = await fetch(`${url}/events`, { signal: leaving.signal })
  expect(answer.status).toBe(200)
  leaving.abort()
  await vi.waitFor(() => expect(done).toEqual({ began: 1, ended: 1 }), { timeout: 4_000 })
  replay.mockRestore()
  await app.close()
})
