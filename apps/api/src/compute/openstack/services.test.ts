import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addGoneHost } from '../testing.ts'
import { ask, closeNova, cloud, openNova } from './nova.testing.ts'

beforeAll(openNova)
afterAll(closeNova)

describe('a host that is gone', () => {
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
