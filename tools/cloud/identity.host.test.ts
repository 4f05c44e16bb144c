import fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { acceptDatabase, identify, refuseForeign } from './identity.ts'
import { endpointOf, type Places } from './paths.ts'

let data = ''
const databases: string[] = []
const where = () => ({ data }) as Places
const read = (name: string) => JSON.parse(fs.readFileSync(path.join(data, name), 'utf8'))

beforeEach(() => {
  data = fs.mkdtempSync('/var/tmp/stratolith-identity-')
  fs.mkdirSync(path.join(data, 'hosts/h/network/ports'), { recursive: true })
})
afterEach(async () => {
  fs.rmSync(data, { recursive: true })
  for (const name of databases.splice(0)) await onServer(`DROP DATABASE ${name} WITH (FORCE)`)
})

async function onServer(sql: string, database = 'postgres'): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: urlOf(database) })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}
function urlOf(database: string): string {
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${database}`
  return url.href
}
async function database(template = 'template'): Promise<string> {
  const name = `t_${crypto.randomUUID().replaceAll('-', '')}`
  databases.push(name)
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  return name
}
/** Writes the file that an agent writes when the control plane of this start calls it. */
const follow = () => fs.copyFileSync(path.join(data, 'cloud.json'), path.join(data, 'hosts/h/cloud.json'))

test('the first start gives the database its cloud, and each later start raises the epoch', async () => {
  const url = urlOf(await database())
  const first = await identify(url, where(), false)
  expect(first).toMatchObject({ epoch: 1 })
  expect(read('cloud.json')).toEqual(first)
  follow()
  expect(await identify(url, where(), false)).toMatchObject({ id: first.id, epoch: 2 })
})

test('many starts at the same time get different epochs, and none is refused as an older copy the next time', async () => {
  const url = urlOf(await database())
  await identify(url, where(), false)
  const folders = Array.from({ length: 6 }, () => {
    const copy = fs.mkdtempSync('/var/tmp/stratolith-identity-')
    fs.cpSync(data, copy, { recursive: true })
    return { data: copy } as Places
  })
  try {
    const marks = await Promise.all(folders.map((folder) => identify(url, folder, false)))
    expect(marks.map((mark) => mark.epoch).sort()).toEqual([2, 3, 4, 5, 6, 7])
    for (const folder of folders) await identify(url, folder, false)
  } finally {
    for (const folder of folders) fs.rmSync(folder.data, { recursive: true })
  }
})

test('a data folder of another cloud, or of a cloud while the database is empty, stops the start with a sentence', async () => {
  const mine = await identify(urlOf(await database()), where(), false)
  follow()
  const other = urlOf(await database())
  await expect(identify(other, where(), false)).rejects.toThrow(
    new RegExp(`belongs to cloud ${mine.id}.*to none \\(it is empty\\)\\. Choose: .*--accept-database`),
  )
  expect((await onServer('SELECT * FROM "Cloud"', new URL(other).pathname.slice(1))).rows).toEqual([])
  const accepted = await acceptDatabase(other, where())
  expect(accepted.id).not.toBe(mine.id)
  expect([read('cloud.json'), read('hosts/h/cloud.json')]).toEqual([accepted, accepted])
  await identify(other, where(), false)
})

test('an older copy of the database is refused, also when it has the same epoch as the followed one', async () => {
  const now = await database()
  await identify(urlOf(now), where(), false)
  const copy = await database(now)
  await identify(urlOf(now), where(), false)
  follow()
  await expect(identify(urlOf(copy), where(), false)).rejects.toThrow(/older copy .*\(epoch 1\).*epoch 2/)
  await onServer(`UPDATE "Cloud" SET "epoch" = 2, "epochToken" = gen_random_uuid()`, copy)
  await expect(identify(urlOf(copy), where(), false)).rejects.toThrow(/older copy/)
  await onServer(
    `INSERT INTO "Tombstone" ("kind", "id", "hostId") VALUES ('blob', 'b', ''), ('port', 'p', 'h'), ('instance', 'i', '')`,
    copy,
  )
  await onServer(
    `INSERT INTO "Stray" ("hostId", "kind", "thing", "decision", "firstSeenAt") VALUES ('h', 'guest', 'due', NULL, '2001-1-1'),
       ('h', 'guest', 'chosen', 'remove', now()), ('h', 'guest', 'kept', 'keep', now());
     INSERT INTO "Brake" ("hostId", "kind", "ids", "total", "releasedAt") VALUES ('h', 'guest', '{a}', 1, now())`,
    copy,
  )
  await onServer(
    `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib")
       VALUES ('00000000-0000-4000-8000-000000000001', 'vm', 'unix:/nowhere', 1, 1, 1);
     INSERT INTO "Document" ("kind", "thing", "generation") VALUES ('port', '00000000-0000-4000-8000-000000000002', 7);
     INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted", "confirmed") VALUES
       ('00000000-0000-4000-8000-000000000001', 'port', '00000000-0000-4000-8000-000000000002', true, 7)`,
    copy,
  )
  await onServer(
    `INSERT INTO "HostDocument" ("hostId", "kind", "thing", "wanted") SELECT "id", kind, thing::uuid, false FROM "Host", (VALUES
       ('port', '00000000-0000-4000-8000-000000000003'), ('instance', '00000000-0000-4000-8000-000000000004'),
       ('instance', '00000000-0000-4000-8000-000000000005'), ('port', '00000000-0000-4000-8000-000000000006')) AS x (kind, thing);
     INSERT INTO "HeldAddress" SELECT "id", 'port', '00000000-0000-4000-8000-000000000003', "id", '10.0.0.1', 2 FROM "Host";
     INSERT INTO "HeldRoom" SELECT "id", 'instance', '00000000-0000-4000-8000-000000000004', 1, 1, 1 FROM "Host";
     BEGIN; SET LOCAL session_replication_role = replica;
     INSERT INTO "Instance" ("id", "projectId", "userId", "name", "hostname", "flavorId", "flavorName", "vcpus", "memoryMib", "diskGib", "hostId", "taskState")
       SELECT '00000000-0000-4000-8000-000000000005', 'p', 'u', 'i', 'i', 'f', 'f', 1, 1, 1, "id", 'deleting' FROM "Host"; COMMIT`,
    copy,
  )
  const accepted = await acceptDatabase(urlOf(copy), where())
  expect(accepted.epoch).toBe(3)
  // Held things stay held and are not delivered; deletions under way go on; other removals are dropped.
  const unwanted = await onServer(
    `SELECT "kind", right("thing"::text, 1) AS "thing" FROM "HostDocument" WHERE NOT "wanted" ORDER BY "thing"`,
    copy,
  )
  expect(unwanted.rows).toEqual([
    { kind: 'held port', thing: '3' },
    { kind: 'held instance', thing: '4' },
    { kind: 'instance', thing: '5' },
  ])
  expect(
    (await onServer('SELECT FROM "HeldAddress" UNION ALL SELECT FROM "HeldRoom"', copy)).rows,
  ).toHaveLength(2)
  // The copy does not know what the host was told since, so everything is delivered again.
  const told = await onServer(
    'SELECT "confirmed"::int, "dueAt" <= now() AS "due" FROM "HostDocument" WHERE "wanted"',
    copy,
  )
  expect(told.rows).toEqual([{ confirmed: 0, due: true }])
  // Tombstones and brakes are dropped, because the things may have come back since.
  expect(
    (await onServer('SELECT "id" FROM "Tombstone" UNION SELECT "kind" FROM "Brake"', copy)).rows,
  ).toEqual([])
  expect((await onServer('SELECT "thing" FROM "Stray"', copy)).rows).toEqual([{ thing: 'kept' }])
  await expect(identify(urlOf(now), where(), false)).rejects.toThrow(/older copy/)
})

test('tags that a host uses are not given out again', async () => {
  const name = await database()
  fs.writeFileSync(path.join(data, 'hosts/h/network/ports/x.json'), '{"spec":{"tag":77},"slot":1}')
  fs.writeFileSync(path.join(data, 'hosts/h/network/ports/y.json'), 'broken')
  await acceptDatabase(urlOf(name), where())
  const next = `SELECT nextval(pg_get_serial_sequence('"Port"', 'tag'))::int AS n`
  expect((await onServer(next, name)).rows[0].n).toBe(78)
  await acceptDatabase(urlOf(name), where())
  expect((await onServer(next, name)).rows[0].n).toBe(79)
})

const withHost = (name: string, endpoint: string) =>
  onServer(
    `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib")
     VALUES (gen_random_uuid(), 'vm', '${endpoint}', 1, 1, 1)`,
    name,
  )

test('an empty data folder is refused with the database of a cloud that has hosts, and nothing changes', async () => {
  const name = await database()
  const url = urlOf(name)
  const mine = await identify(url, where(), false)
  const empty = { data: fs.mkdtempSync('/var/tmp/stratolith-identity-') } as Places
  try {
    // Without hosts this is a first start that was cut short before it wrote its mark.
    await refuseForeign(url, empty)
    await withHost(name, endpointOf(where(), 'vm'))
    const sentence = new RegExp(
      `${empty.data} belongs to no cloud yet, .* to cloud ${mine.id} \\(host vm at ${data}\\)\\. Choose: .*--accept-database`,
    )
    await expect(refuseForeign(url, empty)).rejects.toThrow(sentence)
    await expect(identify(url, empty, false)).rejects.toThrow(sentence)
    expect((await onServer('SELECT "epoch" FROM "Cloud"', name)).rows).toEqual([{ epoch: 1 }])
    expect(fs.readdirSync(empty.data)).toEqual([])
    await refuseForeign(url, where())
    expect(await identify(url, empty, true)).toMatchObject({ id: mine.id, epoch: 2 })
    await refuseForeign(url, empty)
  } finally {
    fs.rmSync(empty.data, { recursive: true })
  }
})

test('a folder of a version without marks is recognised by its hosts', async () => {
  const name = await database()
  fs.mkdirSync(path.join(data, 'hosts/vm'))
  await withHost(name, 'unix:/elsewhere/hosts/vm/agent.sock')
  await expect(refuseForeign(urlOf(name), where())).rejects.toThrow(/to a cloud \(host vm at \/elsewhere\)/)
  await onServer(`UPDATE "Host" SET "endpoint" = '${endpointOf(where(), 'vm')}'`, name)
  expect(await identify(urlOf(name), where(), false)).toMatchObject({ epoch: 1 })
})

test('a database without tables is refused when the folder belongs to a cloud, and otherwise may be filled', async () => {
  const name = await database('template0')
  await refuseForeign(urlOf(name), where())
  await identify(urlOf(await database()), where(), false)
  await expect(refuseForeign(urlOf(name), where())).rejects.toThrow(/to none \(it is empty\)/)
})

test('a malformed cloud.json stops the start', async () => {
  fs.writeFileSync(path.join(data, 'cloud.json'), '{"id":1}')
  await expect(identify(urlOf(await database()), where(), false)).rejects.toThrow(/does not say which cloud/)
})
