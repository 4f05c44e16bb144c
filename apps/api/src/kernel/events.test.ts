import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './context.ts'
import type { EventView } from './contract.ts'
import { EventHub } from './event-hub.ts'
import { parseCursor } from './event-log.ts'
import { appendEvent } from './events.ts'
import { testCtx, testDeps } from './testing.ts'

describe('event log', () => {
  let deps: Deps
  let hub: EventHub
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ deps, close } = await testDeps())
    hub = new EventHub(deps)
    await hub.start()
  })
  afterAll(async () => {
    await hub.close()
    await close()
  })

  const append = (ctx: Ctx, id: string, projectId: string | null = null) =>
    inTransaction(ctx, (tx) =>
      appendEvent(tx, { kind: 'thing.updated', projectId, resourceKind: 'thing', resourceId: id }),
    )

  /** Collects events until `count` have come or the time is over. */
  async function collect(
    ctx: Ctx,
    after: string | null,
    count: number,
    ready?: () => Promise<unknown>,
  ): Promise<EventView[]> {
    const seen: EventView[] = []
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), 20_000)
    const reading = (async () => {
      const from = after === null ? null : await hub.resume(after)
      if (after !== null) expect(from).not.toBeNull()
      for await (const event of hub.subscribe(ctx, from, abort.signal)) {
        seen.push(event)
        if (seen.length >= count) break
      }
    })()
    await ready?.()
    await reading
    clearTimeout(timer)
    return seen
  }

  test('a subscriber gets each appended event once, in order', async () => {
    const ctx = await testCtx(deps)
    const ids = Array.from({ length: 30 }, () => crypto.randomUUID())
    const seen = await collect(ctx, null, 30, async () => {
      for (const id of ids) await append(ctx, id, ctx.projectId)
    })
    expect(seen.map((e) => e.resourceId)).toEqual(ids)
  })

  test('a member gets no event of another project, and an administrator gets all events', async () => {
    const [mine, other, admin] = [
      await testCtx(deps),
      await testCtx(deps),
      await testCtx(deps, { role: 'admin' }),
    ]
    const [secret, visible] = [crypto.randomUUID(), crypto.randomUUID()]
    const start = await cursorNow(mine)
    await append(other, secret, other.projectId)
    await append(mine, visible, mine.projectId)
    expect((await collect(mine, start, 1)).map((e) => e.resourceId)).toEqual([visible])
    expect((await collect(admin, start, 2)).map((e) => e.resourceId)).toEqual([secret, visible])
  })

  test('resuming after a cursor misses no event, not even one that commits late with a lower id', async () => {
    const ctx = await testCtx(deps)
    const [late, early] = [crypto.randomUUID(), crypto.randomUUID()]
    const start = await cursorNow(ctx)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = inTransaction(ctx, async (tx) => {
      await appendEvent(tx, {
        kind: 'thing.updated',
        projectId: ctx.projectId,
        resourceKind: 'thing',
        resourceId: late,
      })
      await held
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await append(ctx, early, ctx.projectId)
    // A reader that ordered by id alone would now read `early`, remember its id and never read `late`.
    const reading = collect(ctx, start, 2)
    setTimeout(release, 200)
    await slow
    expect((await reading).map((e) => e.resourceId)).toEqual([late, early])
  })

  test('a malformed cursor, or one of an earlier version or of a lost history, is not resumed', async () => {
    for (const bad of ['', '1', '1.2', 'a.b.c', '1.2.3.4', `1.${'9'.repeat(40)}.1`, "1.1.1'; DROP"]) {
      expect(parseCursor(bad)).toBeNull()
      expect(await hub.resume(bad)).toBeNull()
    }
    const start = await cursorNow(await testCtx(deps))
    const { epoch, xid, id } = parseCursor(start) ?? { epoch: 0, xid: 0n, id: 0n }
    expect(epoch).toBeGreaterThan(0)
    expect(await hub.resume(start)).toEqual({ epoch, xid, id })
    for (const gone of [
      `${epoch}.${xid}.${id + 1n}`,
      `${epoch}.${xid + 1n}.${id}`,
      `${epoch + 1}.${xid}.${id}`,
    ])
      expect(await hub.resume(gone)).toBeNull()
  })

  test('a cursor with more events after it than a reader may miss is not resumed', async () => {
    const ctx = await testCtx(deps)
    const start = await cursorNow(ctx)
    for (let count = 0; count < 3; count++) await append(ctx, crypto.randomUUID(), ctx.projectId)
    expect(await hub.resume(start, 3)).toEqual(parseCursor(start))
    expect(await hub.resume(start, 2)).toBeNull()
    expect(await hub.resume('0.0.0', 2)).toBeNull()
    // The bound holds without being named, too.
    await deps.root.$executeRaw`INSERT INTO "Event" ("kind", "resourceKind", "resourceId")
      SELECT 'thing.updated', 'thing', number::text FROM generate_series(1, 10001) number`
    expect(await hub.resume(start)).toBeNull()
  })

  async function cursorNow(ctx: Ctx & { projectId: string }): Promise<string> {
    const id = crypto.randomUUID()
    const [event] = await collect(ctx, null, 1, () => append(ctx, id, ctx.projectId))
    expect(event?.resourceId).toBe(id)
    return event?.cursor ?? ''
  }
})

// This test needs more time, because the listener waits longer and longer between its attempts.
test('after an outage of the database there is one listener again, and it tells what came meanwhile', {
  timeout: 180_000,
}, async () => {
  const { deps, close } = await testDeps()
  const database = new URL(deps.config.databaseUrl)
  const open = new Set<net.Socket>()
  let refusing = false
  let silent = false
  let asked = 0
  const door = net.createServer((socket) => {
    asked++
    // A PostgreSQL that starts or has too many clients accepts a connection and closes it.
    if (refusing) {
      socket.destroy()
      return
    }
    // A machine that hangs accepts a connection and sends nothing.
    if (silent) {
      silent = false
      socket.resume()
      return
    }
    const onward = net.connect(Number(database.port), database.hostname)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    for (const end of [socket, onward]) end.on('error', () => undefined)
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const through = new URL(database)
  through.port = String((door.address() as net.AddressInfo).port)
  const hub = new EventHub({ ...deps, config: { ...deps.config, databaseUrl: through.href } })
  await hub.start()
  expect(open.size).toBe(1)

  refusing = true
  for (const socket of open) socket.destroy()
  await sleep(3_000)
  expect(asked).toBeGreaterThan(3)
  // If each failed attempt left a second one behind, there would be 2, 4, 8, 16…
  expect(asked).toBeLessThan(10)
  const ctx = await testCtx(deps)
  const told = Promise.withResolvers<void>()
  const id = crypto.randomUUID()
  hub.onRows((rows) => rows.some((row) => row.resourceId === id) && told.resolve())
  await inTransaction(ctx, (tx) =>
    appendEvent(tx, { kind: 'thing.updated', projectId: null, resourceKind: 'thing', resourceId: id }),
  )
  silent = true
  refusing = false
  await told.promise
  expect(open.size).toBe(1)

  await hub.close()
  await new Promise((resolve) => door.close(resolve))
  await close()
})
