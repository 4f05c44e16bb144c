import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stopServing } from './volume-server.ts'

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-servers-'))
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

/** Ends the server of a folder with these files; returns how long that took, in ms. */
async function ending(files: readonly string[], lateMs?: number): Promise<number> {
  const dir = fs.mkdtempSync(path.join(root, 'server-'))
  for (const name of files) fs.writeFileSync(path.join(dir, name), 'text')
  const begun = performance.now()
  await stopServing(dir, lateMs)
  const took = performance.now() - begun
  expect(fs.existsSync(dir)).toBe(false)
  const again = performance.now()
  await stopServing(dir, lateMs)
  // Nothing is left to wait for.
  expect(performance.now() - again).toBeLessThan(lateMs ?? Number.POSITIVE_INFINITY)
  return took
}

test('a server that has died by itself is waited for, because what it had sent may come late', async () => {
  const lateMs = 3_000
  expect(await ending(['stamp', 'log', 's'], lateMs)).toBeGreaterThanOrEqual(lateMs - 10)
  // No guest could reach this server, which has failed at its start.
  expect(await ending(['log'], lateMs)).toBeLessThan(lateMs)
  // The kernel delivers nothing late to this storage.
  expect(await ending(['stamp', 'log', 's'])).toBeLessThan(lateMs)
})
