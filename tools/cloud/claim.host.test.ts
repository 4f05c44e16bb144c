import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest'
import { claimDatabase } from './claim.ts'
import { endpointOf, type Places } from './paths.ts'

const work = fs.mkdtempSync('/var/tmp/stratolith-claim-')
const folder = (name: string) => ({ data: path.join(work, name) }) as Places
const database = `t_${crypto.randomUUID().replaceAll('-', '')}`
const url = new URL(inject('postgresUrl'))
const server = url.href
url.pathname = `/${database}`
const releases: (() => Promise<void>)[] = []
const claim = async (where: Places, host = 'vm', waitMs = 0) => {
  const release = await claimDatabase(url.href, where, host, waitMs)
  releases.push(release)
  return release
}

async function sql(text: string, at = url.href): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

beforeAll(() => sql(`CREATE DATABASE ${database} TEMPLATE template`, server))
afterEach(async () => {
  for (const release of releases.splice(0)) await release()
})
afterAll(async () => {
  await sql(`DROP DATABASE ${database} WITH (FORCE)`, server)
  fs.rmSync(work, { recursive: true })
})

test('each host name has one supervisor on a database, and another can follow when the first has ended', async () => {
  const release = await claim(folder('a'))
  await expect(claim(folder('b'))).rejects.toThrow(
    /Another supervisor of host vm uses the database .* \(from 127\.0\.0\.1\S*, since .*Choose: stop that one first/,
  )
  await claim(folder('b'), 'another')
  await release()
  await claim(folder('b'))
})

test('a supervisor whose session PostgreSQL has ended claims the database again within seconds', async () => {
  await claim(folder('a'))
  const holders = `SELECT "pid" FROM pg_locks JOIN pg_stat_activity USING ("pid")
    WHERE "locktype" = 'advisory' AND "granted" AND "datname" = '${database}'`
  const before = (await sql(holders)).rows
  expect(before.length).toBe(1)
  await sql(`SELECT pg_terminate_backend("pid") FROM (${holders}) h`)
  await vi.waitFor(
    async () => {
      const { rows } = await sql(holders)
      expect(rows.length).toBe(1)
      expect(rows).not.toEqual(before)
    },
    { timeout: 60_000, interval: 100 },
  )
  await expect(claim(folder('b'))).rejects.toThrow(/Another supervisor/)
})

test('processes that a dead supervisor left running keep other folders from the database, but not their own folder', async () => {
  const host = path.join(work, 'a/hosts/vm')
  fs.mkdirSync(host, { recursive: true })
  await sql(
    `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib")
     VALUES (gen_random_uuid(), 'vm', '${endpointOf(folder('a'), 'vm')}', 1, 1, 1)`,
  )
  const agent = http.createServer((_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => agent.listen(path.join(host, 'agent.sock'), resolve))
  try {
    await expect(claim(folder('b'))).rejects.toThrow(
      new RegExp(`agent of host vm at ${host}/agent.sock answers, and is not of this data folder`),
    )
    await claim(folder('a'))
    fs.symlinkSync(path.join(work, 'a'), path.join(work, 'link'))
    for (const release of releases.splice(0)) await release()
    await claim(folder('link'))
  } finally {
    for (const release of releases.splice(0)) await release()
    await new Promise((resolve) => agent.close(resolve))
  }
  await claim(folder('b'))
})
