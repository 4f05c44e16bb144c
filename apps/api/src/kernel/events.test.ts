import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ctx, type Deps, inTransaction } from './context.ts'
import type { EventView } from './contract.ts'
import { appendEvent, EventHub, parseCursor } from './events.ts'
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

  /** Collects until `count` events came or 5 s passed. */
  async function collect(
    ctx: Ctx,
    after: string | null,
    count: number,
    ready?: () => Promise<unknown>,
  ): Promise<EventView[]> {
    const seen: EventView[] = []
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), 5000)
    const reading = (async () => {
      for await (const event of hub.subscribe(ctx, after, abort.signal)) {
        seen.push(event)
        if (seen.length >= count) break
      }
    })()
    await ready?.()
    await reading
    clearTimeout(timer)
    return seen
  }

  test('a subscriber sees what is appended, in order, once', async () => {
    const ctx = await testCtx(deps)
    const ids = Array.from({ length: 30 }, () => crypto.randomUUID())
    const seen = await collect(ctx, null, 30, async () => {
      for (const id of ids) await append(ctx, id, ctx.projectId)
    })
    expect(seen.map((e) => e.resourceId)).toEqual(ids)
  })

  test('nothing of another project, and everything for an administrator', async () => {
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

  test('resuming after a cursor misses nothing, not even what commits late with a lower id', async () => {
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
    // A reader that went by id alone would now take `early`, remember its id and never see `late`.
    const reading = collect(ctx, start, 2)
    setTimeout(release, 200)
    await slow
    expect((await reading).map((e) => e.resourceId)).toEqual([late, early])
  })

  test('a cursor that is not ours is refused', () => {
    for (const bad of ['', '1', 'a.b', '1.2.3', `${'9'.repeat(40)}.1`, "1.1'; DROP"])
      expect(() => parseCursor(bad)).toThrow(/cursor/)
  })

  async function cursorNow(ctx: Ctx & { projectId: string }): Promise<string> {
    const id = crypto.randomUUID()
    const [event] = await collect(ctx, null, 1, () => append(ctx, id, ctx.projectId))
    expect(event?.resourceId).toBe(id)
    return event?.cursor ?? ''
  }
})
