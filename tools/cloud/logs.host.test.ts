import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepRotating, openLog, rotate, tailOf } from './logs.ts'

let dir = ''
beforeEach(() => {
  dir = fs.mkdtempSync('/var/tmp/stratolith-logs-')
})
afterEach(() => {
  vi.restoreAllMocks()
  fs.rmSync(dir, { recursive: true, force: true })
})

test('a log is rotated while a process goes on writing, and every line is there once, complete and in order', async () => {
  const file = path.join(dir, 'api.log')
  const fd = openLog(file)
  // The writer waits for a rotation from time to time, so that there are some on a fast or slow machine. During the
  // rotation itself it goes on writing.
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
    // The last rotation may move two files at once, and only five are kept.
    if (rotations < 4 && fs.statSync(file).size > 700_000) rotations += (await rotate(file, 400_000)).moved
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

test('a rotation that fails leaves no partial file', async () => {
  const file = path.join(dir, 'agent.log')
  fs.mkdirSync(`${file}.5/in the way`, { recursive: true })
  fs.writeFileSync(`${file}.4`, '')
  fs.writeFileSync(file, 'a line of a log\n'.repeat(2_000))
  await expect(rotate(file, 100)).rejects.toThrow()
  expect(fs.readdirSync(dir).sort()).toEqual(['agent.log', 'agent.log.4', 'agent.log.5'])
  expect(fs.statSync(file).size).toBe(32_000)
})

test('a small log stays, and the oldest of six files is removed', async () => {
  const file = path.join(dir, 'web.log')
  fs.writeFileSync(file, 'short\n')
  const nothing = { moved: 0, stretched: false, left: 0 }
  expect(await rotate(file, 100)).toEqual(nothing)
  expect(await rotate(path.join(dir, 'none.log'), 100)).toEqual(nothing)
  for (let i = 0; i < 7; i++) {
    fs.appendFileSync(file, `${`round ${i} `.repeat(2000)}\n`)
    fs.appendFileSync(file, `end ${i}\n`)
    await rotate(file, 10_000)
  }
  expect(fs.readdirSync(dir).sort()).toEqual(['web.log', ...[1, 2, 3, 4, 5].map((i) => `web.log.${i}`)])
  expect(fs.readFileSync(`${file}.5`, 'utf8')).not.toContain('round 0')
})

test('a long log becomes several files, and of a log that is longer than all files the beginning and the end are kept', async () => {
  const file = path.join(dir, 'api.log')
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`.padStart(16)).join('')
  fs.writeFileSync(file, lines(0, 4_000))
  expect(await rotate(file, 10_000)).toEqual({ moved: 4, stretched: false, left: 0 })
  const all = [4, 3, 2, 1].map((i) => fs.readFileSync(`${file}.${i}`, 'utf8')).join('')
  expect(all + fs.readFileSync(file, 'utf8').replace(/^ *\n/, '')).toBe(lines(0, 4_000))
  for (const i of [1, 2, 3, 4]) expect(fs.statSync(`${file}.${i}`).size).toBeLessThan(25_000)

  fs.writeFileSync(file, lines(0, 100_000))
  const { moved, stretched, left } = await rotate(file, 10_000)
  expect([moved, stretched]).toEqual([5, false])
  expect(left).toBeGreaterThan(1_400_000)
  const oldest = fs.readFileSync(`${file}.5`, 'utf8')
  expect(lines(0, 2_000).startsWith(oldest)).toBe(true)
  expect(fs.readFileSync(file, 'utf8').endsWith(lines(99_900, 100_000))).toBe(true)
})

test('a log that was stretched loses no line, takes only the space of its lines, and is reported', async () => {
  const said: string[] = []
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text))
  const file = path.join(dir, 'web.log')
  const other = path.join(dir, 'api.log')
  fs.writeFileSync(file, 'before\n'.repeat(1_000))
  fs.truncateSync(file, 2 ** 42)
  fs.appendFileSync(file, 'after\n'.repeat(1_000))
  fs.writeFileSync(other, 'a line\n'.repeat(2_000_000))
  expect(tailOf(file, 3)).toBe('after\nafter\n')
  const stop = keepRotating(dir, 20)
  try {
    await vi.waitFor(() => expect(fs.existsSync(`${other}.1`)).toBe(true), { timeout: 60_000 })
    await vi.waitFor(() => expect(fs.statSync(file).size).toBeLessThan(11 * 1024 ** 2), { timeout: 60_000 })
  } finally {
    stop()
  }
  await vi.waitFor(() => expect(said.join('\n')).toMatch(/web\.log was longer than what was written to it/))
  expect(said.join('\n')).not.toContain('api.log')
  const names = fs.readdirSync(dir).filter((name) => name.startsWith('web.log'))
  const used = names.map((name) => fs.statSync(path.join(dir, name)).blocks * 512)
  expect(used.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(200_000)
  const text = names
    .sort()
    .reverse()
    .map((name) => fs.readFileSync(path.join(dir, name), 'utf8'))
    .join('')
  const lines = text.split('\n').map((line) => line.replaceAll('\0', '').trim())
  expect(lines.filter((line) => line === 'before')).toHaveLength(1_000)
  expect(lines.filter((line) => line === 'after')).toHaveLength(1_000)
})

test('a log that cannot be rotated does not hold up the others', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const [bad, good] = [path.join(dir, 'a.log'), path.join(dir, 'b.log')]
  fs.mkdirSync(`${bad}.part`)
  for (const file of [bad, good]) fs.writeFileSync(file, 'a line\n'.repeat(2_000_000))
  const stop = keepRotating(dir, 20)
  try {
    await vi.waitFor(() => expect(fs.existsSync(`${good}.1`)).toBe(true), { timeout: 60_000 })
    await vi.waitFor(() => expect(fs.statSync(good).size).toBeLessThan(10_000), { timeout: 60_000 })
  } finally {
    stop()
  }
  expect(fs.existsSync(`${bad}.1`)).toBe(false)
})
