import { spoken, versionText } from '@stratolith/drivers/remote/versions'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { removeRole } from '../../directory/roles/by-name.ts'
import { signIn, signOut } from '../../identity/service.ts'
import {
  setPassword,
  setProjectEnabled,
  setUserEnabled,
  testCloud,
  testUser,
} from '../../identity/testing.ts'
import { anonymousCtx, authenticate } from '../../identity/tokens.ts'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../../kernel/context.ts'
import { httpStatus, toCloudError } from '../../kernel/errors.ts'
import { EventHub } from '../../kernel/event-hub.ts'
import { registerPolicy } from '../../kernel/policy.ts'
import { expectCloudError } from '../../kernel/testing.ts'
import { asInstanceRow, moveState } from '../instances/instance-row.ts'
import { computePolicy } from '../policy.ts'
import { consoleRoutes } from './http.ts'
import { type ConsoleSession, createConsole, dropOldTokens, findSession, sessionsOver } from './service.ts'

registerPolicy(computePolicy)

describe('consoles', () => {
  let deps: Deps
  let hub: EventHub
  let app: FastifyInstance
  let base: string
  let close: () => Promise<void>
  let system: Ctx
  let hostId: string
  beforeAll(async () => {
    ;({ deps, close } = await testCloud())
    system = systemCtx(deps, 'test')
    hostId = crypto.randomUUID()
    await deps.root.host.create({
      data: {
        id: hostId,
        name: 'h',
        endpoint: 'unix:/run/test/agent.sock',
        vcpus: 8,
        memoryMib: 8192,
        diskGib: 80,
      },
    })
    hub = new EventHub(deps)
    await hub.start()
    app = Fastify()
    app.setErrorHandler((error, _request, reply) => {
      const cloud = toCloudError(error)
      reply.status(httpStatus[cloud.code]).send({ message: cloud.message })
    })
    await app.register(consoleRoutes(deps, hub))
    base = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await hub.close()
    app.server.closeAllConnections()
    await app.close()
    await close()
  })

  type Owner = { ctx: Ctx; userId: string; projectId: string }
  async function owner(role = 'member'): Promise<Owner> {
    const user = await testUser(deps, { role })
    const input = { user: user.name, password: user.password, domain: 'Default' }
    const { token } = await signIn(anonymousCtx(deps, 'test'), input, '192.0.2.1')
    const ctx = await authenticate(deps, token, 'test')
    if (!ctx) throw new Error('no ctx')
    return { ctx, userId: user.userId, projectId: user.projectId }
  }
  async function instance(who: { userId: string; projectId: string }, vmState = 'active'): Promise<string> {
    const id = crypto.randomUUID()
    await deps.root.instance.create({
      data: {
        id,
        projectId: who.projectId,
        userId: who.userId,
        name: 'web',
        hostname: 'web',
        vmState,
        taskState: null,
        hostId,
        flavorId: '1',
        flavorName: 'f',
        vcpus: 1,
        memoryMib: 128,
        diskGib: 1,
      },
    })
    return id
  }
  const headers = () => ({ 'x-internal-secret': deps.config.consoleSecret ?? '' })
  const redeem = (token: string) =>
    app.inject({ method: 'POST', url: '/internal/console/redeem', headers: headers(), payload: { token } })
  const tokenIn = (access: { url: string }) => new URL(access.url, 'http://x').searchParams.get('token') ?? ''
  const open = async (who: Owner, id: string) =>
    tokenIn(await createConsole(who.ctx, { id, protocol: 'serial' }))

  let me: Owner
  let id: string
  beforeEach(async () => {
    me = await owner()
    id = await instance(me)
  })

  test('a token leads once, to the agent and the console of exactly this instance', async () => {
    const access = await createConsole(me.ctx, { id, protocol: 'vnc' })
    expect(access.url).toMatch(/^\/console\/\?token=[\w-]{43}$/)
    expect(Date.parse(access.expiresAt) - Date.now()).toBeLessThanOrEqual(600_000)
    const token = tokenIn(access)
    expect(
      JSON.stringify(await deps.root.consoleToken.findMany({ where: { instanceId: id } })),
    ).not.toContain(token)
    const first = await redeem(token)
    expect(first.statusCode).toBe(200)
    expect(first.json()).toMatchObject({
      agentSocket: '/run/test/console.sock',
      path: `/v1/console/${id}/vnc`,
      protocol: versionText(spoken),
      // The user for whom the console proxy counts the session.
      userId: me.userId,
    })
    expect((await redeem(token)).statusCode).toBe(403)
  })

  test('a console of a machine that does not answer is refused at once, without right and history', async () => {
    const isAway = async (state: string, message: RegExp) => {
      await deps.root.host.update({ where: { id: hostId }, data: { state } })
      await expectCloudError(createConsole(me.ctx, { id, protocol: 'vnc' }), 'unavailable', message)
    }
    await isAway('down', /does not answer\./)
    await isAway('fenced', /declared to be off\./)
    expect(await deps.root.consoleToken.count({ where: { instanceId: id } })).toBe(0)
    expect(await deps.root.operation.count({ where: { resourceId: id } })).toBe(0)
    await deps.root.host.update({ where: { id: hostId }, data: { state: 'up' } })
    await open(me, id)
  })

  test('of 20 parallel uses of a token exactly one succeeds', async () => {
    const token = await open(me, id)
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(token)))
    expect(answers.map((a) => a.statusCode).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 403)])
  })

  test('the console proxy must know the shared secret', async () => {
    const token = await open(me, id)
    for (const secret of [{}, { 'x-internal-secret': 'wrong' }, { 'x-internal-secret': '' }]) {
      const answer = await app.inject({
        method: 'POST',
        url: '/internal/console/redeem',
        headers: secret,
        payload: { token },
      })
      expect(answer.statusCode).toBe(403)
    }
    expect((await fetch(`${base}/internal/console/watch?session=x`)).status).toBe(403)
    expect((await redeem(token)).statusCode).toBe(200)
  })

  type Ending = (who: Owner, instanceId: string) => Promise<unknown>
  const set =
    (data: object): Ending =>
    async (_who, instanceId) => {
      const row = asInstanceRow(await deps.root.instance.findUniqueOrThrow({ where: { id: instanceId } }))
      await inTransaction(system, (tx) => moveState(tx, row, data))
    }
  const endings: [string, Ending][] = [
    ['sign-out', (who) => signOut(who.ctx)],
    [
      'a password change',
      (who) => setPassword(system, { userId: who.userId, password: 'another-Password-1' }),
    ],
    ['disabling the user', (who) => setUserEnabled(system, { userId: who.userId, enabled: false })],
    [
      'disabling the project',
      (who) => setProjectEnabled(system, { projectId: who.projectId, enabled: false }),
    ],
    [
      'losing the role',
      (who) =>
        removeRole(system, { userId: who.userId, role: 'member', target: { projectId: who.projectId } }),
    ],
    ['a stop', set({ vmState: 'stopped', powerState: 4 })],
    ['an error', set({ vmState: 'error' })],
    ['a delete that begins', set({ taskState: 'deleting' })],
    ['a delete', (_who, instanceId) => deps.root.instance.delete({ where: { id: instanceId } })],
  ]

  test.each(endings)('A06.2: after %s a token is refused', async (_name, end) => {
    const token = await open(me, id)
    await end(me, id)
    expect((await redeem(token)).statusCode).toBe(403)
  })

  test.each(endings)('A06.1: %s closes an open session within a second', async (_name, end) => {
    const { sessionId } = (await redeem(await open(me, id))).json<{ sessionId: string }>()
    const watching = new AbortController()
    const answer = await fetch(`${base}/internal/console/watch?session=${sessionId}`, {
      headers: headers(),
      signal: watching.signal,
    })
    const lines = linesOf(answer)
    expect((await lines.next()).value).toBe('{"alive":true}')
    await end(me, id)
    let last = ''
    for await (const line of lines) last = line
    expect(JSON.parse(last)).toEqual({ ended: expect.any(String) })
    watching.abort()
  })

  test('an open session of one instance outlives the end of another', async () => {
    const other = await instance(me)
    const { sessionId } = (await redeem(await open(me, id))).json<{ sessionId: string }>()
    const watching = new AbortController()
    const answer = await fetch(`${base}/internal/console/watch?session=${sessionId}`, {
      headers: headers(),
      signal: watching.signal,
    })
    const lines = linesOf(answer)
    await lines.next()
    await set({ vmState: 'stopped' })(me, other)
    for (let i = 0; i < 2; i++) expect((await lines.next()).value).toBe('{"alive":true}')
    watching.abort()
  })

  test('the rights of many consoles of one caller at one instance cost one check', async () => {
    const sessions: ConsoleSession[] = []
    for (let i = 0; i < 16; i++) {
      const { sessionId } = (await redeem(await open(me, id))).json<{ sessionId: string }>()
      const session = await findSession(deps, sessionId)
      if (session) sessions.push(session)
    }
    expect(sessions).toHaveLength(16)
    const asked = async (some: ConsoleSession[]) => {
      let queries = 0
      const counting = deps.root.$extends({
        query: {
          $allOperations({ args, query }) {
            queries++
            return query(args)
          },
        },
      })
      const answers = await sessionsOver({ ...deps, root: counting as unknown as Deps['root'] }, some)
      return { queries, answers: [...answers.values()] }
    }
    const one = await asked(sessions.slice(0, 1))
    const all = await asked(sessions)
    expect(one.queries).toBeGreaterThan(1)
    expect(all.queries).toBe(one.queries)
    expect(all.answers).toEqual(Array(16).fill(null))
    await signOut(me.ctx)
    expect(new Set((await sessionsOver(deps, sessions)).values())).toEqual(
      new Set(['Your session has ended. Sign in again.']),
    )
  })

  test('A06.2: an expired token is refused and removed', async () => {
    const token = await open(me, id)
    await deps.root.consoleToken.updateMany({
      where: { instanceId: id },
      data: { expiresAt: new Date(Date.now() - 1) },
    })
    expect((await redeem(token)).statusCode).toBe(403)
    expect(await dropOldTokens(system)).toBeGreaterThan(0)
    expect(await deps.root.consoleToken.count({ where: { instanceId: id } })).toBe(0)
  })

  test('A06.8: a reader, another project and a stopped instance get no console', async () => {
    const reader = await owner('reader')
    const readers = await instance(reader)
    await expectCloudError(createConsole(reader.ctx, { id: readers, protocol: 'vnc' }), 'forbidden')
    await expectCloudError(createConsole(reader.ctx, { id, protocol: 'vnc' }), 'not_found')
    const stopped = await instance(me, 'stopped')
    await expectCloudError(
      createConsole(me.ctx, { id: stopped, protocol: 'vnc' }),
      'conflict',
      /running instance/,
    )
    const nobody = { ...me.ctx, actor: { ...me.ctx.actor, tokenHash: null } }
    await expectCloudError(createConsole(nobody, { id, protocol: 'vnc' }), 'forbidden')
  })

  test('a malformed token is refused like a wrong token', async () => {
    for (const payload of [{}, { token: 1 }, { token: 'x' }, { token: 'a'.repeat(43) }, []])
      expect(
        (await app.inject({ method: 'POST', url: '/internal/console/redeem', headers: headers(), payload }))
          .statusCode,
      ).toBe(403)
  })
})

async function* linesOf(answer: Response): AsyncGenerator<string, void> {
  if (!answer.ok || !answer.body) throw new Error(`watch answered ${answer.status}`)
  let text = ''
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    yield* lines
  }
}
