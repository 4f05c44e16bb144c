import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { createFilesDriver } from './files.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-drafts-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

test('the drafts of disks that a killed agent has left are gone after the start of the next agent', async () => {
  const [left, kept] = [crypto.randomUUID(), crypto.randomUUID()]
  const files = (instance: string, names: readonly string[]) => {
    const folder = path.join(dir, 'instances', instance)
    fs.mkdirSync(folder, { recursive: true })
    for (const name of names) fs.writeFileSync(path.join(folder, name), 'bytes')
  }
  const disk = `disk-${crypto.randomUUID()}.qcow2`
  files(left, [`${disk}.4321.raw`, `${disk}.4321.part`])
  files(kept, [disk, `${disk}.4321.part`, 'spec.json', 'qemu.pid'])
  fs.symlinkSync('none', path.join(dir, 'instances', kept, `${disk}.base`))
  await createFilesDriver({ imagesDir: path.join(dir, 'images'), dir }).probe(
    backgroundOp(pino({ level: 'silent' })),
  )
  expect(fs.readdirSync(path.join(dir, 'instances'))).toEqual([kept])
  expect(fs.readdirSync(path.join(dir, 'instances', kept)).sort()).toEqual(
    [disk, `${disk}.base`, 'qemu.pid', 'spec.json'].sort(),
  )
})
