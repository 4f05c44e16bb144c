import net from 'node:net'
import { openDatabase } from '@stratolith/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flavorCreateInput } from './compute/contract.ts'
import { createFlavor } from './compute/flavors/service.ts'
import { createKeyPair } from './compute/key-pairs/service.ts'
import { createProject } from './directory/projects/service.ts'
import { imageCreateInput } from './images/contract.ts'
import { createImage } from './images/service.ts'
import { type Ctx, inTransaction, systemCtx } from './kernel/context.ts'
import { taken } from './kernel/database-errors.ts'
import { CloudError, httpStatus, toCloudError } from './kernel/errors.ts'
import { testCtx, testDeps } from './kernel/testing.ts'
import './register.ts'

let database: Awaited<ReturnType<typeof testDeps>>
beforeAll(async () => {
  database = await testDeps()
  await testCtx(database.deps)
})
afterAll(() => database.close())

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => toCloudError(error),
  )
/** Runs `works` at the same time; returns how many succeeded, and the errors of the others. */
async function race(works: (() => Promise<unknown>)[]) {
  const all = await Promise.allSettled(works.map((work) => work()))
  const told = all.flatMap((one) => (one.status === 'rejected' ? [toCloudError(one.reason)] : []))
  return { done: all.length - told.length, told }
}
const eight = Array.from({ length: 8 }, (_, i) => i)

describe('when several requests make the same thing at once, one succeeds and the others are told what exists', () => {
  const namesakes: Record<string, (ctx: Ctx) => Promise<unknown>> = {
    project: (ctx) => createProject(systemCtx(ctx.deps, 'test'), { name: 'same' }),
    'key pair': (ctx) => createKeyPair(ctx, { name: 'same' }),
    flavor: (ctx) =>
      createFlavor(
        systemCtx(ctx.deps, 'test'),
        flavorCreateInput.parse({ name: 'same', vcpus: 1, memoryMib: 64, diskGib: 1 }),
      ),
  }
  test.each(Object.entries(namesakes))('%s', async (noun, make) => {
    const ctx = await testCtx(database.deps)
    const { done, told } = await race(eight.map(() => () => make(ctx)))
    expect([done, told.length]).toEqual([1, 7])
    for (const error of told)
      expect([error.code, error.field, httpStatus[error.code], error.message]).toEqual([
        'already_exists',
        'name',
        409,
        expect.stringMatching(new RegExp(`^A ${noun} (with this name|named “same”) exists already`)),
      ])
  })
  test('an image by its id', async () => {
    const ctx = await testCtx(database.deps)
    const id = crypto.randomUUID()
    const { done, told } = await race(
      eight.map(
        () => () => createImage(ctx, { ...imageCreateInput.parse({ name: 'x', diskFormat: 'raw' }), id }),
      ),
    )
    expect([done, new Set(told.map((error) => error.message))]).toEqual([
      1,
      new Set(['An image with this id exists already.']),
    ])
  })
  test('in raw SQL, too', async () => {
    const error = await refusal(
      database.deps.root
        .$executeRaw`INSERT INTO "Domain" ("id", "name") SELECT ${crypto.randomUUID()}, "name" FROM "Domain"`,
    )
    expect([error?.code, error?.message]).toEqual([
      'already_exists',
      'A domain with this name exists already. Choose another one.',
    ])
  })
  test('every unique constraint that a caller can violate has a sentence, and every sentence has a constraint', async () => {
    const rows = await database.deps.root.$queryRaw<{ name: string }[]>`
      SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%'`
    const there = rows.map((row) => row.name)
    expect(Object.keys(taken).filter((name) => !there.includes(name))).toEqual([])
    // Primary keys are generated, except those that have a sentence.
    expect(there.filter((name) => !name.endsWith('_pkey') && !(name in taken))).toEqual([])
  })
})

describe('rows that others point to', () => {
  const domain = { id: 'used', name: 'used' }
  test('cannot be deleted (they are in use), and cannot be named once they are gone', async () => {
    const { root } = database.deps
    await root.domain.create({ data: domain })
    await root.project.create({ data: { id: 'p', name: 'p', domainId: 'used' } })
    const answers = [
      await refusal(root.domain.delete({ where: { id: 'used' } })),
      await refusal(root.$executeRaw`DELETE FROM "Domain" WHERE "id" = 'used'`),
      await refusal(root.project.create({ data: { id: 'q', name: 'q', domainId: 'none' } })),
      await refusal(root.project.update({ where: { id: 'none' }, data: { name: 'q' } })),
    ].map((error) => [error?.code, error?.message])
    const used = ['conflict', 'This domain is in use. Delete first what uses it.']
    const gone = ['conflict', 'Something that this needs was deleted meanwhile. Look again.']
    expect(answers).toEqual([used, used, gone, gone])
  })
})

describe('a time that PostgreSQL cannot store', () => {
  const year0 = new Date('0000-01-01T00:00:00Z')
  test('is an error of the caller, in raw SQL, too', async () => {
    const { root } = database.deps
    const answers = [
      await refusal(root.image.findMany({ where: { createdAt: { gte: year0 } } })),
      await refusal(root.$queryRaw`SELECT 1 FROM "Image" WHERE "createdAt" < ${year0}`),
    ].map((error) => [error?.code, error?.message])
    const none = ['invalid_input', 'There is no such time.']
    expect(answers).toEqual([none, none])
  })
})

describe('a text with a NUL character, which PostgreSQL does not have (A11.1)', () => {
  test('is an error of the caller, in raw SQL, too', async () => {
    const { root } = database.deps
    const text = 'a\0b'
    const answers = [
      await refusal(root.image.findMany({ where: { name: { contains: text } } })),
      await refusal(root.$queryRaw`SELECT 1 FROM "Image" WHERE "name" ILIKE ${text}`),
    ].map((error) => [error?.code, error?.message])
    const none = ['invalid_input', 'A text of this request has a NUL character.']
    expect(answers).toEqual([none, none])
  })
})

/** Makes a trigger of domains that runs this code at COMMIT. Returns the function that removes the trigger. */
async function atCommit(what: string): Promise<() => Promise<unknown>> {
  const { root } = database.deps
  await root.$executeRawUnsafe(
    `CREATE OR REPLACE FUNCTION test_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${what} RETURN NULL; END $$`,
  )
  await root.$executeRaw`CREATE CONSTRAINT TRIGGER test_at_commit AFTER UPDATE ON "Domain"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_at_commit()`
  return () => root.$executeRaw`DROP TRIGGER test_at_commit ON "Domain"`
}

describe('transactions that meet', () => {
  test('a deadlocked transaction runs again, and the caller does not notice', async () => {
    const ctx = systemCtx(database.deps, 'test')
    await database.deps.root.domain.createMany({ data: ['d1', 'd2'].map((id) => ({ id, name: id })) })
    const both = Promise.withResolvers<void>()
    let begun = 0
    const cross = (first: string, second: string) =>
      inTransaction(ctx, async ({ db }) => {
        const add = (id: string) =>
          db.$executeRaw`UPDATE "Domain" SET "description" = "description" || 'x' WHERE "id" = ${id}`
        await add(first)
        begun++
        if (begun === 2) both.resolve()
        await both.promise
        await add(second)
      })
    await Promise.all([cross('d1', 'd2'), cross('d2', 'd1')])
    expect(begun, 'one of them began again').toBe(3)
    const rows = await database.deps.root.domain.findMany({ where: { id: { in: ['d1', 'd2'] } } })
    expect(rows.map((row) => row.description)).toEqual(['xx', 'xx'])
  })
  test('a deadlock of triggers at COMMIT runs again, too', async () => {
    const ctx = systemCtx(database.deps, 'test')
    await database.deps.root.domain.createMany({ data: ['c1', 'c2'].map((id) => ({ id, name: id })) })
    const take = await atCommit(`PERFORM FROM "Domain" WHERE "id" = NEW."description" FOR UPDATE;`)
    const both = Promise.withResolvers<void>()
    let begun = 0
    const cross = (id: string, description: string) =>
      inTransaction(ctx, async ({ db }) => {
        await db.domain.update({ where: { id }, data: { description } })
        begun++
        if (begun === 2) both.resolve()
        await both.promise
      })
    await Promise.all([cross('c1', 'c2'), cross('c2', 'c1')])
    expect(begun, 'one of them began again').toBe(3)
    await take()
  })
  test.each([
    [`ERRCODE = '23505', CONSTRAINT = 'Domain_name_key'`, 'already_exists', 1],
    [`ERRCODE = '23503'`, 'conflict', 1],
    [`ERRCODE = '40001'`, 'unavailable', 4],
    [`ERRCODE = '55P03'`, 'unavailable', 1],
    [`ERRCODE = '57P01'`, 'unavailable', 1],
  ])('a refusal at COMMIT becomes an answer: %s', async (how, code, tries) => {
    const ctx = systemCtx(database.deps, 'test')
    const take = await atCommit(`RAISE EXCEPTION 'x' USING ${how};`)
    let count = 0
    const error = await refusal(
      inTransaction(ctx, async ({ db }) => {
        count++
        await db.domain.updateMany({ where: { id: 'default' }, data: { description: how } })
      }),
    )
    await take()
    expect([error?.code, count]).toEqual([code, tries])
  })
  test('a transaction is tried a limited number of times, and other errors are not tried again', async () => {
    const ctx = systemCtx(database.deps, 'test')
    const runs = async (fail: (db: typeof ctx.db) => Promise<unknown>) => {
      let count = 0
      const error = await refusal(
        inTransaction(ctx, async ({ db }) => {
          count++
          await fail(db)
        }),
      )
      return [count, error?.code]
    }
    const raise = (db: typeof ctx.db) =>
      db.$executeRaw`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`
    expect(await runs(raise)).toEqual([4, 'unavailable'])
    expect(await runs((db) => db.domain.create({ data: { id: 'd1', name: 'd1' } }))).toEqual([
      1,
      'already_exists',
    ])
    expect(await runs(async () => Promise.reject(new CloudError('conflict', 'no')))).toEqual([1, 'conflict'])
  })
  test('a request that takes too long is told to try again', async () => {
    const { root } = database.deps
    const slow = await refusal(
      root.$transaction(async (tx) => {
        await tx.$executeRaw`SET LOCAL statement_timeout = 20`
        await tx.$queryRaw`SELECT pg_sleep(60)`
      }),
    )
    const locked = await refusal(
      root.$transaction(async (tx) => {
        await tx.$executeRaw`UPDATE "Domain" SET "name" = "name"`
        await root.$transaction(async (other) => {
          await other.$executeRaw`SET LOCAL lock_timeout = 20`
          await other.$executeRaw`UPDATE "Domain" SET "name" = "name"`
        })
      }),
    )
    expect([slow, locked].map((error) => [error?.code, error?.message])).toEqual(
      Array(2).fill(['unavailable', 'The database took too long for this. Try again in a moment.']),
    )
  })
})

describe('when the database is away for a moment, the caller is told to try again, also in raw SQL', () => {
  const away = ['unavailable', true]
  const answerOf = async (work: Promise<unknown>) => {
    const error = await refusal(work)
    return [error?.code, error?.retryable]
  }
  test.each(['57P01', '57P02', '57P03', '25006', '53300', '08006'])('%s', async (code) => {
    const { root } = database.deps
    const raise = `DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`
    expect(await answerOf(root.$executeRawUnsafe(raise))).toEqual(away)
    expect(await answerOf(root.$transaction((tx) => tx.$executeRawUnsafe(raise)))).toEqual(away)
  })
  test.each<[string, (socket: net.Socket) => void]>([
    ['ends the connection', (socket) => void socket.end()],
    ['is cut off', (socket) => void socket.resetAndDestroy()],
  ])('a database that %s, and then is not there', async (_, answer) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined).resume()
      answer(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    const root = openDatabase(`postgresql://a:b@127.0.0.1:${port}/c`, 1)
    const all = () => Promise.all([root.$queryRaw`SELECT 1`, root.domain.findMany()].map(answerOf))
    expect(await all()).toEqual([away, away])
    await new Promise((resolve) => server.close(resolve))
    expect(await all()).toEqual([away, away])
    await root.$disconnect()
  })
  test('connections to a database that falls silent are given up, and new connections are made', async () => {
    const { hostname, port } = new URL(database.deps.config.databaseUrl)
    let silent = false
    const sockets: net.Socket[] = []
    const wire = net.createServer((near) => {
      const far = net.connect(Number(port), hostname)
      const fresh = silent
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.push(from)
        from.on('error', () => undefined)
        from.on('data', (bytes) => (silent && !fresh ? undefined : to.write(bytes)))
        from.on('close', () => to.destroy())
      }
    })
    await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
    const url = new URL(database.deps.config.databaseUrl)
    url.port = String((wire.address() as net.AddressInfo).port)
    const root = openDatabase(url.href, 3, 10_000, 1_000)
    const ask = () => root.$queryRaw`SELECT 1`
    const inOne = () => root.$transaction((tx) => tx.$queryRaw`SELECT pg_sleep(0.3)::text`)
    await Promise.all([ask(), ask(), inOne()])
    const cut = inOne()
    await new Promise((resolve) => setTimeout(resolve, 100))
    silent = true
    const answers = await Promise.all([cut, ask(), ask(), ask()].map(answerOf))
    expect(answers.slice(0, 3)).toEqual([away, away, away])
    await expect
      .poll(() => answerOf(Promise.all([ask(), ask(), ask(), inOne()])), { timeout: 10_000 })
      .toEqual([undefined, undefined])
    await root.$disconnect()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => wire.close(resolve))
  })
})
