import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { systemCtx } from '../kernel/context.ts'
import { testDeps } from '../kernel/testing.ts'
import { readProcesses } from './processes.ts'
import { systemInfo } from './service.ts'
import '../register.ts'

it('the system page has versions, database and disk', async () => {
  const { deps, close } = await testDeps()
  fs.mkdirSync(deps.config.dataDir, { recursive: true })
  const info = await systemInfo(systemCtx(deps, 'system'))
  expect(info.versions.node).toBe(process.versions.node)
  expect(info.versions.postgresql).toMatch(/^\d+/)
  expect(info.database.sizeBytes).toBeGreaterThan(1_000_000)
  expect(info.database.connections).toBeGreaterThan(0)
  expect(info.disk?.totalBytes).toBeGreaterThan(info.disk?.freeBytes ?? Number.POSITIVE_INFINITY)
  await close()
})

it('a process whose id belongs to another program by now counts as not running', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'processes-'))
  fs.mkdirSync(path.join(dir, 'run'))
  const stat = fs.readFileSync('/proc/self/stat', 'utf8')
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const services = { api: { pid: process.pid, startTime }, worker: { pid: process.pid, startTime: '1' } }
  fs.writeFileSync(path.join(dir, 'run/services.json'), JSON.stringify(services))
  const [api, worker] = await readProcesses(dir)
  expect(api).toMatchObject({ name: 'api', running: true })
  expect(api?.memoryMib).toBeGreaterThan(1)
  expect(Math.abs(Date.parse(api?.startedAt ?? '') - (Date.now() - process.uptime() * 1000))).toBeLessThan(
    10_000,
  )
  expect(worker).toMatchObject({ name: 'worker', running: false, startedAt: null })
  expect(await readProcesses(path.join(dir, 'nowhere'))).toEqual([])
  fs.rmSync(dir, { recursive: true })
})
