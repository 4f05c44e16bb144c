import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { frontDoor, upgradeTarget } from './gateway.ts'
import type { Config } from './kernel/config.ts'

const config = {
  publicUrl: 'http://cloud.example:8080',
  consoleUrl: 'http://127.0.0.1:7001',
  webUrl: 'http://127.0.0.1:7002',
}

describe('which process serves a WebSocket', () => {
  it('is said by the path alone', () => {
    expect(upgradeTarget('/console/?token=x', config)?.port).toBe('7001')
    expect(upgradeTarget('/_next/webpack-hmr', config)?.port).toBe('7002')
    expect(upgradeTarget('/consoles', config)).toBeNull()
    expect(upgradeTarget('/console/', { ...config, consoleUrl: null })).toBeNull()
  })
})

describe('while the portal is away', () => {
  it('people get a page that loads again, programs a 503 with the time to wait', async () => {
    const app = Fastify()
    // Nobody listens on port 1.
    await frontDoor(app, { ...config, webUrl: 'http://127.0.0.1:1' } as Config)
    const page = await app.inject({ url: '/instances', headers: { accept: 'text/html,*/*' } })
    expect([page.statusCode, page.headers['retry-after']]).toEqual([503, '2'])
    expect(page.body).toContain('http-equiv="refresh"')
    const program = await app.inject({ url: '/api/trpc/x' })
    expect(program.statusCode).toBe(503)
    expect(program.json().error.message).toMatch(/is starting/)
    await app.close()
  })
})
