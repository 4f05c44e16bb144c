import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { GuestUids } from '../guest-uids.ts'
import { Identities } from './identity.ts'
import { guestPaths } from './state-files.ts'

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-identity-'))
const claims = path.join(root, 'claims')
afterAll(() => fs.rmSync(root, { recursive: true }))

const uids: GuestUids = { converter: 1, probe: 2, guests: { first: 1_900_000_000, last: 1_900_000_009 } }
const home = (host: string) => {
  const id = randomUUID()
  const paths = guestPaths(path.join(root, host), id)
  fs.mkdirSync(paths.home, { recursive: true })
  return { id, paths }
}

test('no two guests share a user id, also of two agents; a guest keeps its id, and a freed id is given again', async () => {
  const [one, two] = [new Identities(uids, claims), new Identities(uids, claims)]
  const guests = Array.from({ length: 10 }, (_, index) => ({
    ...home(index % 2 ? 'a' : 'b'),
    agent: index % 2 ? one : two,
  }))
  const given = await Promise.all(guests.map(({ agent, id, paths }) => agent.of(id, paths)))
  expect(new Set(given).size).toBe(10)
  const [first] = guests
  const more = home('a')
  await expect(one.of(more.id, more.paths)).rejects.toMatchObject({ code: 'no_space' })
  if (!first) throw new Error('the test has ten guests')
  expect(await new Identities(uids, claims).of(first.id, first.paths)).toBe(given[0])
  await first.agent.free(first.paths)
  await first.agent.free(first.paths)
  expect(fs.existsSync(first.paths.uid)).toBe(false)
  expect(await one.of(more.id, more.paths)).toBe(given[0])
})

test('an id whose guest folder was deleted is taken over; an id that another agent has taken is given up', async () => {
  const book = new Identities({ ...uids, guests: { first: 1_900_000_100, last: 1_900_000_101 } }, claims)
  const [gone, stays] = [home('c'), home('c')]
  await book.of(gone.id, gone.paths)
  const kept = await book.of(stays.id, stays.paths)
  fs.rmSync(gone.paths.home, { recursive: true })
  const next = home('c')
  await book.of(next.id, next.paths)
  // Somebody removed the claims, and another agent has claimed the id since.
  fs.rmSync(path.join(claims, String(kept)))
  fs.symlinkSync(next.paths.home, path.join(claims, String(kept)))
  expect(await book.known(stays.paths)).toBeNull()
})

test('a record of a user id that is malformed or out of range counts as no record', async () => {
  const book = new Identities(uids, claims)
  const { paths } = home('d')
  for (const text of ['0\n', '1000\n', '', '-5\n', 'root\n', '1900000000']) {
    fs.writeFileSync(paths.uid, text)
    expect(await book.known(paths)).toBeNull()
  }
})
