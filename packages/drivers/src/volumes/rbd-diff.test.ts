import fs from 'node:fs'
import { open } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDiff, piecesIn } from './rbd-diff.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-diff-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

function u64(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length)
  for (const [index, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), 8 * index)
  return bytes
}
function named(kind: string, name: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(name.length)
  return Buffer.concat([Buffer.from(kind), length, Buffer.from(name)])
}
const head = Buffer.concat([
  Buffer.from('rbd diff v1\n'),
  named('f', 'backup-1'),
  named('t', 'backing-2'),
  Buffer.from('s'),
  u64(100),
])
const data = (at: number, bytes: string) =>
  Buffer.concat([Buffer.from('w'), u64(at, bytes.length), Buffer.from(bytes)])
const zeros = (at: number, length: number) => Buffer.concat([Buffer.from('z'), u64(at, length)])
function fileOf(...parts: Buffer[]): string {
  const file = path.join(dir, crypto.randomUUID())
  fs.writeFileSync(file, Buffer.concat(parts))
  return file
}

test('what has changed is read across its pieces, and what has not is refused', async () => {
  const file = fileOf(head, zeros(8, 4), data(4, 'abcd'), data(12, 'efgh'), zeros(40, 8), Buffer.from('e'))
  const diff = await openDiff(file, 64)
  expect([diff.hasChanged(0, 4), diff.hasChanged(0, 5), diff.hasChanged(15, 1)]).toEqual([false, true, true])
  expect(diff.hasChanged(16, 24)).toBe(false)
  expect((await diff.read(4, 12))?.toString()).toBe('abcd\0\0\0\0efgh')
  expect((await diff.read(6, 8))?.toString()).toBe('cd\0\0\0\0ef')
  expect(await diff.read(40, 8)).toBeNull()
  for (const [at, length] of [
    [0, 8],
    [4, 13],
    [16, 4],
    [60, 8],
  ] as const)
    await expect(diff.read(at, length)).rejects.toMatchObject({ code: 'failed' })
  // Behind the size of then was nothing.
  expect(await diff.read(64, 16)).toBeNull()
  await diff.close()
})

test('a volume whose guest has given much back needs no memory for each part of it', async () => {
  const many = Array.from({ length: 1_000 }, (_, no) => zeros(no * 4, 4))
  const name = fileOf(head, ...many, data(4_000, 'abcd'), zeros(4_008, 4), Buffer.from('e'))
  const file = await open(name, 'r')
  expect(await piecesIn(file, name)).toMatchObject([
    { at: 0, length: 4_000, from: null },
    { at: 4_000, length: 4 },
    { at: 4_008, length: 4, from: null },
  ])
  await file.close()
})

test('a file that is cut off or is something else is refused', async () => {
  for (const parts of [
    [head],
    [head, data(0, 'abcd').subarray(0, -1)],
    [Buffer.from('rbd diff v2\ne')],
    [head, Buffer.from('x')],
  ])
    await expect(openDiff(fileOf(...parts), 0)).rejects.toMatchObject({ code: 'failed' })
})
