import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Allegiance } from './allegiance.ts'

let dir = ''
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'allegiance-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

const mark = (id: string, epoch: number) => ({ id, epoch, token: crypto.randomUUID() })
const cloud = crypto.randomUUID()

it('follows the first cloud that calls, and remembers it', () => {
  const first = mark(cloud, 3)
  new Allegiance(dir).check(first)
  const again = new Allegiance(dir)
  again.check(first)
  expect(() => again.check(mark(crypto.randomUUID(), 9))).toThrow(`This host is of cloud ${cloud}`)
})

it('follows a newer epoch of its cloud, and then refuses an older epoch', () => {
  const host = new Allegiance(dir)
  const [old, fresh] = [mark(cloud, 3), mark(cloud, 4)]
  host.check(old)
  host.check(fresh)
  expect(() => host.check(old)).toThrow('an older copy of the database (epoch 3)')
  expect(() => new Allegiance(dir).check(old)).toThrow('older copy')
  new Allegiance(dir).check(fresh)
})

it('tells two databases of the same epoch apart, and takes no call without a cloud', () => {
  const host = new Allegiance(dir)
  host.check(mark(cloud, 3))
  expect(() => host.check(mark(cloud, 3))).toThrow('older copy')
  expect(() => host.check(undefined)).toThrow('does not say')
})

it('does not start on a file that names no cloud', () => {
  fs.writeFileSync(path.join(dir, 'cloud.json'), '{"id":"x"}')
  expect(() => new Allegiance(dir)).toThrow()
})
