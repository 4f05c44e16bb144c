import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLog, rotate } from './logs.ts'

let dir = ''
beforeEach(() => {
  dir = fs.mkdtempSync('/var/tmp/stratolith-logs-')
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

test('a log rotates under a process that writes on: every line is there once, whole, in order', async () => {
  const file = path.join(dir, 'api.log')
  const fd = openLog(file)
  // It waits for a rotation now and then, so that there are some however fast or slow the machine is; the
  // rotation itself meets a process that writes on.
  const code = `
    const fs = require('node:fs')
    for (let i = 0; i < 60000; i++) {
      fs.writeSync(1, 'line ' + i + ' ' + 'x'.repeat(i % 97) + '\\n')
      while (i > 0 && i % 15000 === 0 && !fs.existsSync('${file}.' + i / 15000))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', fd, 'inherit'] })
  fs.closeSync(fd)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let rotations = 0
  while (child.exitCode === null) {
    if (rotations < 5 && fs.statSync(file).size > 700_000 && (await rotate(file, 100_000))) rotations++
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await ended
  expect(rotations).toBeGreaterThanOrEqual(3)
  const files = Array.from({ length: rotations }, (_, i) => `${file}.${rotations - i}`)
  const lines = [...files, file].flatMap((one) => fs.readFileSync(one, 'utf8').trimEnd().split('\n'))
  const numbers = lines.filter((line) => line.trim() !== '').map((line) => /^line (\d+) x*$/.exec(line)?.[1])
  expect(numbers).toEqual(Array.from({ length: 60_000 }, (_, i) => String(i)))
  expect(fs.statSync(`${file}.1`).mode & 0o777).toBe(0o600)
})

test('a copy that fails leaves nothing behind', async () => {
  const file = path.join(dir, 'agent.log')
  fs.mkdirSync(`${file}.5/in the way`, { recursive: true })
  fs.writeFileSync(`${file}.4`, '')
  fs.writeFileSync(file, 'a line of a log\n'.repeat(2_000))
  await expect(rotate(file, 100)).rejects.toThrow()
  expect(fs.readdirSync(dir).sort()).toEqual(['agent.log', 'agent.log.4', 'agent.log.5'])
  expect(fs.statSync(file).size).toBe(32_000)
})

test('a small one stays; the oldest of six goes', async () => {
  const file = path.join(dir, 'web.log')
  fs.writeFileSync(file, 'short\n')
  expect(await rotate(file, 100)).toBe(false)
  expect(await rotate(path.join(dir, 'none.log'), 100)).toBe(false)
  for (let i = 0; i < 7; i++) {
    fs.appendFileSync(file, `${`round ${i} `.repeat(2000)}\n`)
    fs.appendFileSync(file, `end ${i}\n`)
    await rotate(file, 10_000)
  }
  expect(fs.readdirSync(dir).sort()).toEqual(['web.log', ...[1, 2, 3, 4, 5].map((i) => `web.log.${i}`)])
  expect(fs.readFileSync(`${file}.5`, 'utf8')).not.toContain('round 0')
})
