import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { openTrash } from './trash.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-trash-'))
afterEach(() => {
  vi.useRealTimers()
  fs.rmSync(dir, { recursive: true, force: true })
})
const day = 86_400_000

test('a jump of the clock, or a time when the machine was off, does not count as time in the trash', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  fs.mkdirSync(dir, { recursive: true })
  const trash = openTrash(path.join(dir, 'trash'))
  fs.writeFileSync(path.join(dir, 'disk'), 'bytes')
  await trash.put(path.join(dir, 'disk'), 'abc')
  const ask = () => trash.empty({ olderThanMs: 7 * day })
  expect(await ask()).toEqual([])
  vi.setSystemTime(Date.now() + 30 * day)
  expect(await ask()).toEqual([])
  const hours = 24 * 7 + 1
  for (let hour = 0; hour < hours - 2; hour++) {
    vi.setSystemTime(Date.now() + day / 24 - 1)
    expect(await ask()).toEqual([])
  }
  vi.setSystemTime(Date.now() + day / 24 - 1)
  await ask()
  vi.setSystemTime(Date.now() + day / 24 - 1)
  await ask()
  expect(await trash.list()).toEqual([])
})
