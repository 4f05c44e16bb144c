import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ensureConfigDrive } from './config-drive.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-drive-'))
afterAll(() => fs.rmSync(dir, { recursive: true }))

test('a config drive is an ISO 9660 image labelled config-2 that is made once', async () => {
  const image = path.join(dir, 'config.iso')
  let made = 0
  const files = async () => {
    made += 1
    return [{ path: 'openstack/latest/meta_data.json', content: Buffer.from('{"uuid":"u"}') }]
  }
  await ensureConfigDrive(image, files)
  await ensureConfigDrive(image, files)
  expect(made).toBe(1)
  // Volume identifier of the primary descriptor: bytes 40 to 71 of sector 16 (ECMA-119, 8.4).
  const label = fs.readFileSync(image).toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72)
  expect(label.trim()).toBe('config-2')
  const file = execFileSync('isoinfo', ['-R', '-i', image, '-x', '/openstack/latest/meta_data.json'])
  expect(file.toString()).toBe('{"uuid":"u"}')
  expect(fs.readdirSync(dir)).toEqual(['config.iso'])
})
