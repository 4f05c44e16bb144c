import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { places, root } from './paths.ts'
import { restoreFile, stateFile } from './running.ts'
import { startTime } from './supervisor.ts'

let data = ''
beforeEach(() => {
  data = fs.mkdtempSync('/var/tmp/stratolith-second-')
  fs.chmodSync(data, 0o755)
  fs.mkdirSync(path.join(data, 'run'))
})
afterEach(() => fs.rmSync(data, { recursive: true, force: true }))

test('a start that is refused changes nothing in the data folder', () => {
  const where = places({ STRATOLITH_DATA: data })
  const state = { pid: process.pid, startTime: startTime(process.pid), url: 'http://here', data }
  const refusals = [
    { file: restoreFile(where), text: JSON.stringify({ folder: '/backups' }), says: /was cut short/ },
    { file: stateFile(where), text: JSON.stringify(state), says: /runs already: http:\/\/here/ },
  ]
  for (const { file, text, says } of refusals) {
    fs.writeFileSync(file, text)
    const { status, stderr } = spawnSync(process.execPath, ['tools/cloud.ts', 'start'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, STRATOLITH_DATA: data },
    })
    expect(stderr).toMatch(says)
    expect(status).toBe(1)
    const { gid, mode } = fs.statSync(data)
    expect([gid, (mode & 0o777).toString(8), fs.readdirSync(data).includes('secrets')]).toEqual([
      fs.statSync(where.run).gid,
      '755',
      false,
    ])
  }
})
