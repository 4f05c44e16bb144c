import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addGoneHost } from '../testing.ts'
import { ask, closeNova, cloud, openNova } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

describe('a host that does not answer any more', () => {
  test.each([
    ['number, before 2.53', 52],
    ['UUID, since 2.53', 53],
  ])('is removed by %s, once, by administrators', async (_how, minor) => {
    const { deps } = cloud.world
    const { id, number } = await deps.root.host.findUniqueOrThrow({ where: { id: await addGoneHost(deps) } })
    const [right, wrong] = minor < 53 ? [number, id] : [id, number]
    const remove = (ref: string | number, token = cloud.tokens.admin) =>
      ask('DELETE', `/os-services/${ref}`, { minor, token })
    expect((await remove(right, cloud.tokens.ownerMember)).statusCode).toBe(403)
    expect((await remove(wrong, cloud.tokens.ownerMember)).statusCode).toBe(403)
    expect((await remove(wrong)).statusCode).toBe(minor < 53 ? 404 : 400)
    expect((await remove(right)).statusCode).toBe(204)
    expect((await remove(right)).statusCode).toBe(404)
    const up = await deps.root.host.findFirstOrThrow({ where: { state: 'up' } })
    expect((await remove(minor < 53 ? up.number : up.id)).statusCode).toBe(409)
  })
})

describe('a host that is declared off', () => {
  const shown = async (id: string) => {
    const { services } = (await ask('GET', '/os-services', { minor: 53, token: cloud.tokens.admin })).json()
    return services.find((service: { id: string }) => service.id === id)
  }
  test('is declared and taken back by UUID, without a change of whether it accepts new servers', async () => {
    const { deps } = cloud.world
    const id = await addGoneHost(deps)
    await deps.root.host.update({ where: { id }, data: { enabled: false, disabledReason: 'fans' } })
    const put = (body: object, token = cloud.tokens.admin) =>
      ask('PUT', `/os-services/${id}`, { minor: 53, token, body })
    expect((await put({ forced_down: true }, cloud.tokens.ownerMember)).statusCode).toBe(403)
    const answer = await put({ forced_down: true })
    expect(answer.statusCode).toBe(200)
    const forced = { forced_down: true, state: 'down', status: 'disabled', disabled_reason: 'fans' }
    expect(answer.json().service).toMatchObject(forced)
    expect(await shown(id)).toMatchObject(forced)
    expect((await put({ forced_down: false })).json().service).toMatchObject({ forced_down: false })
  })

  test('is declared by name before 2.53, and cannot be declared off while it answers', async () => {
    const { deps } = cloud.world
    const { id, name } = await deps.root.host.findUniqueOrThrow({ where: { id: await addGoneHost(deps) } })
    const put = (host: string, forced_down: unknown, minor = 11) =>
      ask('PUT', '/os-services/force-down', {
        minor,
        token: cloud.tokens.admin,
        body: { host, binary: 'nova-compute', forced_down },
      })
    expect((await put(name, true, 10)).statusCode).toBe(404)
    expect((await put(name, 'True')).json()).toEqual({
      service: { host: name, binary: 'nova-compute', forced_down: true },
    })
    expect((await shown(id)).forced_down).toBe(true)
    expect((await put(name, false)).statusCode).toBe(200)
    expect((await shown(id)).forced_down).toBe(false)
    const up = await deps.root.host.findFirstOrThrow({ where: { state: 'up' } })
    const refused = await put(up.name, true)
    expect(refused.statusCode).toBe(409)
    expect(refused.body).toContain('It answers, so it is not off')
    expect((await put('nowhere', true)).statusCode).toBe(404)
  })
})
