import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { swapsOf } from './swap.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-swap-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

test('the disks are told to which the kernel may write memory, and none on a machine without swap', async () => {
  const table = path.join(dir, 'swaps')
  expect(await swapsOf(table)).toEqual([])
  fs.writeFileSync(table, 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n')
  expect(await swapsOf(table)).toEqual([])
  const lines = [
    '/dev/zram0 partition 8388604 0 100',
    '/dev/sda2 partition 2097148 0 -2',
    '/swap.img file 4 0 -3',
  ]
  fs.appendFileSync(table, `${lines.join('\n')}\n`)
  expect(await swapsOf(table)).toEqual(['/dev/sda2', '/swap.img'])
  expect(await swapsOf()).toEqual(expect.any(Array))
})
