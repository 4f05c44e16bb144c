import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostNameOf, readConfig } from './config.ts'
import { egressOf } from './egress.ts'
import { holderOf, takeLock } from './lock.ts'

let dir = ''
let file = ''
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'))
  file = path.join(dir, 'agent.lock')
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

describe('the lock', () => {
  it('is refused while its holder lives, and is free again after its release', () => {
    const release = takeLock(file)
    expect(() => takeLock(file)).toThrow(`pid ${process.pid}`)
    release()
    expect(fs.readdirSync(dir)).toEqual([])
    takeLock(file)()
  })

  it('of a killed agent is taken over', async () => {
    const child = spawn('sleep', ['60'])
    fs.writeFileSync(file, JSON.stringify(holderOf(child.pid ?? 0)))
    expect(() => takeLock(file)).toThrow(`pid ${child.pid}`)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    takeLock(file)
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid })
    expect(fs.readdirSync(dir)).toEqual(['agent.lock'])
  })

  it.each([
    ['another process has its pid now', { ...holderOf(process.pid), startTime: '1' }],
    ['the machine was started again', { ...holderOf(process.pid), boot: 'before' }],
    ['it was cut off', 'half'],
  ])('is stale when %s', (_why, content) => {
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    takeLock(file)()
    expect(fs.readdirSync(dir)).toEqual([])
  })

  it('that is released late does not release the lock of the next holder', () => {
    const release = takeLock(file)
    fs.writeFileSync(file, '{"pid":1}')
    release()
    expect(fs.existsSync(file)).toBe(true)
  })
})

describe('settings', () => {
  const env = (over: NodeJS.ProcessEnv = {}) => ({ STRATOLITH_DATA: dir, STRATOLITH_HOST: 'web-1', ...over })

  it('make the folder and a lasting id of the cloud', () => {
    const config = readConfig(env())
    expect(config).toMatchObject({ hostDir: path.join(dir, 'hosts/web-1'), accel: 'auto', egress: 'auto' })
    expect(config.cloud).toMatch(/^[a-z0-9]{5}$/)
    expect(readConfig(env({ STRATOLITH_HOST: 'web-2' })).cloud).toBe(config.cloud)
    expect(fs.readdirSync(dir).sort()).toEqual(['cloud-id', 'hosts'])
  })

  it.each([
    { STRATOLITH_EGRESS: 'yes' },
    { STRATOLITH_ACCEL: 'fast' },
    { STRATOLITH_EXTERNAL_CIDR: '172.24.4.0' },
    { STRATOLITH_HOST: '../x' },
    { STRATOLITH_CLOUD: 'A' },
    { STRATOLITH_GUEST_DENY: '10.0.0.1' },
    { STRATOLITH_GUEST_DENY: 'connected,none' },
    { STRATOLITH_GUEST_DENY: 'fd00::/8' },
    { STRATOLITH_GUEST_DENY: '' },
    { STRATOLITH_DNS: 'ns.example.org' },
    { STRATOLITH_DATA: `/tmp/${'x'.repeat(100)}` },
  ])('refuse %o', (over) => {
    expect(() => readConfig(env(over))).toThrow(/STRATOLITH_/)
  })

  it.each([
    [undefined, { connected: true, cidrs: [] }],
    ['none', { connected: false, cidrs: [] }],
    ['10.0.0.0/8, 192.168.0.0/16', { connected: false, cidrs: ['10.0.0.0/8', '192.168.0.0/16'] }],
    ['connected,10.0.0.0/8', { connected: true, cidrs: ['10.0.0.0/8'] }],
  ])('keep guests off what STRATOLITH_GUEST_DENY=%s says', (words, expected) => {
    expect(readConfig(env({ STRATOLITH_GUEST_DENY: words })).guestDeny).toEqual(expected)
  })

  it('make a valid host name from any name of the machine', () => {
    expect(['Web_1.example.org', '-x-', 'ü', ''].map(hostNameOf)).toEqual([
      'web-1-example-org',
      'x',
      'host-1',
      'host-1',
    ])
  })

  it.each([
    ['a way out', 'eth0\t00000000\t0104A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0', 'on'],
    ['a way out that is down', 'eth0\t00000000\t0104A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0', 'off'],
    ['half of the world', 'eth0\t00000000\t0104A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0', 'off'],
    ['only its own network', 'eth0\t0004A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0', 'off'],
    ['nothing', '', 'off'],
  ])('let guests out on a machine with %s: %#', (_what, line, expected) => {
    const routes = path.join(dir, 'route')
    fs.writeFileSync(routes, `Iface\tDestination\tGateway\tFlags\n${line}\n`)
    expect(egressOf('auto', routes)).toBe(expected)
    expect(egressOf('off', routes)).toBe('off')
    expect(egressOf('on', routes)).toBe('on')
  })
})
