import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { doorFaults } from './rules/doors.ts'
import { longFunctions } from './rules/functions.ts'
import { listFaults } from './rules/lists.ts'
import { rightsFaults } from './rules/rights.ts'
import { foreignRelations, foreignUses, ownersOf } from './rules/tables.ts'
import { asText, type SourceFile } from './rules/tree.ts'
import { wordFaults } from './rules/words.ts'

const root = path.resolve(import.meta.dirname, '..')
const tracked: SourceFile[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => /\.(ts|tsx|mjs|prisma|sql)$/.test(file) && fs.existsSync(path.join(root, file)))
  .map((file) => ({ path: file, text: fs.readFileSync(path.join(root, file), 'utf8') }))
const source = tracked.filter((file) => !/\.(prisma|sql)$/.test(file.path))
const schemas = tracked.filter((file) => file.path.startsWith('prisma/schema/'))
const owners = ownersOf(schemas)
const relations = foreignRelations(schemas)

const file = (at: string, text: string): SourceFile => ({ path: `apps/api/src/${at}`, text })
const texts = (found: readonly { message: string }[]) => found.map((one) => one.message)

describe('tables', () => {
  test('every room uses only its own tables and calls the services of other rooms', () => {
    expect(owners.size).toBeGreaterThan(50)
    expect(
      foreignUses(source, owners, relations)
        .filter((use) => !use.isMarked)
        .map(asText),
    ).toEqual([])
  })

  test('a statement with a foreign table needs a reason, and there is none at present', () => {
    expect(
      foreignUses(source, owners, relations)
        .filter((use) => use.isMarked)
        .map(asText),
    ).toEqual([])
  })

  const rooms = [
    {
      path: 'prisma/schema/lights.prisma',
      text: 'model Lamp {\n  id String @id\n  door Door? @relation(fields: [id], references: [id])\n}\nmodel LampShade {\n}',
    },
    {
      path: 'prisma/schema/doors.prisma',
      text: '/// A model Lamp of doors\nmodel Door {\n  id String @id\n  knob Knob?\n  lamps Lamp[]\n}\nmodel Knob {\n}',
    },
  ]
  const made = ownersOf(rooms)
  const found = (at: string, text: string) =>
    texts(foreignUses([file(at, text)], made, foreignRelations(rooms)))

  test('a model belongs to the room of its Prisma file', () => {
    expect(Object.fromEntries(made)).toEqual({
      ...{ Lamp: 'lights', LampShade: 'lights', Door: 'doors', Knob: 'doors' },
    })
    expect(foreignRelations(rooms).get('doors')).toEqual(new Map([['lamps', ['Lamp']]]))
    expect(foreignRelations(rooms).get('lights')).toEqual(new Map([['door', ['Door']]]))
  })

  test.each([
    ['a call', 'ctx.db.lamp.findMany({})'],
    ['a call over lines', 'await tx\n  .db\n  .lamp\n  .count()'],
    ['the pool of the process', 'ctx.deps.root.lampShade.findMany({})'],
    ['a table that is handed on', 'readPage(ctx.db.lamp, { where, sort, page })'],
    ['SQL', 'ctx.db.$queryRaw`SELECT 1\n FROM "Lamp" WHERE "id" = ${id}`'],
    ['the end of a statement with values', 'sql`SELECT ${one} FROM "Door" d, "Lamp" l`'],
    ['a statement within a statement', 'sql`SELECT 1 FROM "Door" WHERE ${sql`EXISTS (SELECT FROM "Lamp")`}`'],
    ['a name for later', `Prisma.raw('"Lamp"')`],
    ['a table that a manifest names', `const kept = { name: 'lamps', table: 'Lamp' }`],
    ['a table that a function is given by its name', `await lockRow(tx, 'Lamp', id)`],
  ])('the use of another room’s table is found in %s', (_what, text) => {
    expect(found('doors/service.ts', text)).toEqual([
      expect.stringMatching(/^doors uses Lamp(Shade)?, a table of lights$/),
    ])
    expect(found('lights/service.ts', text.replaceAll('"Door"', '"Lamp"'))).toEqual([])
  })

  test.each([
    ['included', 'ctx.db.door.findMany({ include: { lamps: true } })'],
    ['selected', 'ctx.db.door.findMany({ select: { id: true, lamps: { select: { id: true } } } })'],
    ['asked for', 'ctx.db.door.count({ where: { lamps: { some: { id } } } })'],
    ['deep within', 'ctx.db.knob.findMany({ where: { AND: [{ door: { lamps: { none: {} } } }] } })'],
    [
      'a piece of a query',
      'const lit = (id: string): Prisma.DoorWhereInput => ({ lamps: { some: { id } } })',
    ],
    ['a constant', 'const withLamps = { lamps: true } satisfies Prisma.DoorInclude'],
  ])('a relation that leads into another room is found: %s', (_what, text) => {
    expect(found('doors/service.ts', text)).toEqual(['doors uses Lamp, a table of lights'])
    expect(found('doors/service.ts', text.replaceAll('lamps', 'knobs'))).toEqual([])
    expect(found('doors/view.ts', 'const view = { lamps: rows.map(({ id }) => id) }')).toEqual([])
  })

  test('the kernel may use no table of a room, and files beside the rooms may use no table at all', () => {
    expect(found('kernel/hosts.ts', 'ctx.db.lamp.count()')).toHaveLength(1)
    expect(found('seed.ts', 'deps.root.door.count()')).toEqual([
      'a file beside the rooms uses Door, a table of doors',
    ])
  })

  test('text that only looks like a table is not reported, and tests may use every table', () => {
    const text = 'const a = { lamp: 1 }; a.lamp; b`"d"."Lamp"`; // FROM "Lamp"\nctx.db.lantern.count()'
    expect(found('doors/service.ts', text)).toEqual([])
    expect(found('doors/service.test.ts', 'ctx.db.lamp.count()')).toEqual([])
    expect(found('doors/testing.ts', 'ctx.db.lamp.count()')).toEqual([])
  })

  test('a marked statement is reported as marked when the mark names the owner', () => {
    const marked = (owner: string) =>
      foreignUses(
        [file('doors/a.ts', `sql\`-- of ${owner}: one look at a launch\nSELECT FROM "Lamp"\``)],
        made,
      )
    expect(marked('lights').map((use) => use.isMarked)).toEqual([true])
    expect(marked('doors').map((use) => use.isMarked)).toEqual([false])
  })
})

describe('doors', () => {
  test('use no database and no driver', () => {
    expect(doorFaults(source).map(asText)).toEqual([])
  })

  test.each([
    ['doors/openstack/keys.ts', 'const rows = await call.ctx.db.door.findMany()'],
    ['doors/openstack.ts', 'const { db } = call.ctx'],
    ['doors/router.ts', 'deps.root.door.count()'],
    ['doors/keys/router.ts', 'ask.$queryRaw`SELECT 1`'],
    ['doors/auth.openstack.ts', `import { Prisma } from '@stratolith/db'`],
    ['doors/locks/openstack.ts', `import { type Op, plain } from '@stratolith/drivers/op'`],
    ['openstack/pages.ts', `import * as db from '@stratolith/db'`],
  ])('%s: %s', (at, text) => {
    expect(doorFaults([file(at, text)])).toHaveLength(1)
    expect(doorFaults([file('doors/service.ts', text)])).toEqual([])
  })

  test('may import types from everywhere', () => {
    const text = `import type { Prisma } from '@stratolith/db'\nimport { type Op } from '@stratolith/drivers/op'`
    expect(doorFaults([file('doors/router.ts', text)])).toEqual([])
  })
})

describe('lists', () => {
  test('are read by functions in queries.ts', () => {
    expect(listFaults(source).map(asText)).toEqual([])
  })

  test.each([
    'export async function queryDoors(ctx: Ctx, { where, sort, page }: Ask<DoorWhere>) {}',
    'export const queryDoors = (ctx: Ctx, ask: Ask<DoorWhere>) => queryRows(ctx, ask)',
    'const queryDoors = function (ask: Ask) {}',
  ])('a query function in another file is found: %s', (text) => {
    expect(texts(listFaults([file('doors/service.ts', text)]))).toEqual([
      'queryDoors reads a list; it stands in queries.ts',
    ])
    for (const path of ['doors/queries.ts', 'doors/keys/queries.ts', 'doors/testing.ts'])
      expect(listFaults([file(path, text)])).toEqual([])
  })

  test('a function that only has such a name is not found', () => {
    const text = 'function queryText(query: Query, name: string) {}\nfunction query(ask: Ask<X>) {}'
    expect(listFaults([file('doors/service.ts', text)])).toEqual([])
  })
})

describe('rights', () => {
  test('are made only in the kernel and from tokens', () => {
    expect(rightsFaults(source).map(asText)).toEqual([])
  })

  test.each([
    'const all = { ...ctx, roles: new Set(["admin"]) }',
    'await load({ ...tx, roles }, id)',
    'const other = { ...call.ctx, scope: { kind: "system" } }',
    'const ours = { ...systemCtx(deps, "x"), actor }',
    'const more = { ...asReaderOf(ctx, id), roles: ctx.roles }',
    'const ctx = { actor, scope, roles, db, deps, log, requestId }',
  ])('%s', (text) => {
    expect(rightsFaults([file('doors/service.ts', text)])).toHaveLength(1)
    expect(rightsFaults([file('kernel/context.ts', text)])).toEqual([])
    expect(rightsFaults([file('identity/tokens.ts', text)])).toEqual([])
  })

  test('are not made by a ctx with another database or log, or by a view with roles', () => {
    const text = 'const a = { ...ctx, db: tx, log }; const view = { ...row, roles: [], scope: null }'
    expect(rightsFaults([file('doors/service.ts', text)])).toEqual([])
  })
})

describe('functions', () => {
  test('have at most 70 lines of their own', () => {
    expect(longFunctions(source).map(asText)).toEqual([])
  })

  const lines = (count: number) => 'work()\n'.repeat(count)
  const long = (text: string) => texts(longFunctions([file('doors/service.ts', text)]))

  test.each([
    ['declared', 'function open() {\n%}'],
    ['an arrow', 'const open = () => {\n%}'],
    ['a method', 'class Door {\nopen() {\n%}\n}'],
    ['one in a list', 'const doors = { open: async () => {\n%} }'],
    ['given to another', 'run(() => {\n%})'],
  ])('that are too long are found: %s', (_what, text) => {
    expect(long(text.replace('%', lines(68)))).toEqual([])
    expect(long(text.replace('%', lines(69)))).toEqual([
      expect.stringMatching(/has 71 lines; 70 are the most$/),
    ])
  })

  test('inside of a function are counted by themselves', () => {
    const inner = `const inner = () => {\n${lines(40)}}\n`
    expect(long(`function outer() {\n${inner}${inner}}`)).toEqual([])
    expect(long(`function outer() {\n${inner.replace(lines(40), lines(80))}}`)).toHaveLength(1)
  })

  test('that are tests or lists of tests may have any length', () => {
    expect(long(`describe('doors', () => {\n${lines(100)}})`)).toEqual([])
    expect(long(`test.each([1])('a door', () => {\n${lines(100)}})`)).toEqual([])
    expect(long(`beforeAll(() => {\n${lines(100)}})`)).toHaveLength(1)
  })
})

describe('words of comments', () => {
  test('no comment calls a person “he” or begins as half of another sentence', () => {
    const commented = tracked.filter(({ path }) => !path.startsWith('tools/rules/words'))
    expect(wordFaults(commented).map(asText)).toEqual([])
  })

  test('the rule finds both faults in the comments of every room, and ignores other lines and migrations', () => {
    const text = [
      '// Nor for his friends.',
      '/** Nor for friends. */',
      "say('Nor he')",
      '-- What she has.',
    ].join('\n')
    for (const path of ['kernel/a.ts', 'identity/a.ts', 'directory/roles/a.ts'])
      expect(texts(wordFaults([file(path, text)]))).toEqual([
        '“his” in a comment; a person is “they”',
        'a comment begins as half of another sentence',
        '“she” in a comment; a person is “they”',
      ])
    expect(wordFaults([{ path: 'prisma/migrations/a.sql', text }])).toEqual([])
  })
})
