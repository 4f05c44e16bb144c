import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { writtenIn } from './written.ts'

const dir = fs.mkdtempSync('/var/tmp/stratolith-written-')
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
const op = backgroundOp(pino({ level: 'silent' }))
const mib = 1024 ** 2

test('what is written counts once, holes do not count, and a folder that is not there is empty', async () => {
  const written = writtenIn([path.join(dir, 'a'), path.join(dir, 'none')])
  fs.mkdirSync(path.join(dir, 'a/b'), { recursive: true })
  const file = path.join(dir, 'a/b/disk')
  fs.writeFileSync(file, Buffer.alloc(8 * mib, 1))
  fs.truncateSync(file, 1024 * mib)
  fs.linkSync(file, path.join(dir, 'a/snapshot'))
  expect(written(op)).toBeNull()
  await expect.poll(() => written(op)).toBeGreaterThanOrEqual(8 * mib)
  expect(written(op)).toBeLessThan(9 * mib)
})
