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
  // The dashes would be lost in names of plain ISO 9660.
  const inside = 'openstack/2018-08-27/meta_data.json'
  let made = 0
  const files = async () => {
    made += 1
    return [{ path: inside, content: Buffer.from('{"uuid":"u"}') }]
  }
  await ensureConfigDrive(image, files)
  await ensureConfigDrive(image, files)
  expect(made).toBe(1)
  // Volume identifier of the primary descriptor: bytes 40 to 71 of sector 16 (ECMA-119, 8.4).
  const label = fs.readFileSync(image).toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72)
  expect(label.trim()).toBe('config-2')
  expect(fs.readdirSync(dir)).toEqual(['config.iso'])
  // The image is read once by its Rock Ridge names, as Linux does, and once by its Joliet names, as Windows does.
  for (const names of ['nojoliet', 'norock']) {
    const file = path.join(dir, names)
    const reading = ['-no_rc', '-read_fs', names]
    execFileSync('xorriso', [...reading, '-indev', image, '-osirrox', 'on', '-extract', `/${inside}`, file], {
      stdio: 'pipe',
    })
    expect(fs.readFileSync(file, 'utf8')).toBe('{"uuid":"u"}')
  }
})
