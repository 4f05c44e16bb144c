import fs from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { onceFor } from './prepare.ts'

const dir = fs.mkdtempSync('/tmp/stratolith-prepare-')
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

test('work is done again when its result is gone, and counts as done only when the result is there', async () => {
  const [stamp, made] = [path.join(dir, 'out/.stamp'), path.join(dir, 'out/BUILD_ID')]
  let times = 0
  const build = async () => {
    times += 1
    fs.mkdirSync(path.dirname(made), { recursive: true })
    fs.writeFileSync(made, '')
  }
  expect(await onceFor(stamp, 'a', { made, work: build })).toBe('done')
  expect(await onceFor(stamp, 'a', { made, work: build })).toBe('up to date')
  fs.rmSync(made)
  expect(await onceFor(stamp, 'a', { made, work: build })).toBe('done')
  expect(times).toBe(2)
  fs.rmSync(path.join(dir, 'out'), { recursive: true })
  await expect(onceFor(stamp, 'a', { made, work: async () => undefined })).rejects.toThrow('was not made')
  expect(fs.existsSync(stamp)).toBe(false)
})
