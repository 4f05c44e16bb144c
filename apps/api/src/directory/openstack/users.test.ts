import argon2 from 'argon2'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import '../../register.ts'
import {
  base,
  closeDirectory,
  created,
  deps,
  keys,
  name,
  openDirectory,
  projectId,
  send,
} from './directory.testing.ts'

beforeAll(openDirectory)
afterAll(closeDirectory)

test('a new password is hashed, and a change that is refused is refused, before other changes of the user are waited for', async () => {
  const user = await created('/users', 'user', { name: name('u'), password: 'a-long-password' })
  const hash = vi.spyOn(argon2, 'hash')
  const change = (password: string) => send('PATCH', `/users/${user.id}`, { user: { password } })
  const answer = await deps.root.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`attributes of ${user.id}`}, 0))`
      expect((await change('short')).status).toBe(400)
      const changing = change('another-long-password')
      await vi.waitFor(() => expect(hash).toHaveBeenCalledOnce(), { timeout: 5000 })
      return { changing }
    },
    { timeout: 15_000 },
  )
  expect((await answer.changing).status).toBe(200)
  hash.mockRestore()
})

describe('users and groups', () => {
  test('a user has the keys of its values only', async () => {
    const user = await created('/users', 'user', {
      name: name('u'),
      password: 'a-long-password',
      enabled: true,
      options: {},
    })
    expect(keys(user)).toEqual([
      'id',
      'name',
      'domain_id',
      'enabled',
      'password_expires_at',
      'options',
      'links',
    ])
    const { json } = await send('PATCH', `/users/${user.id}`, {
      user: {
        default_project_id: projectId,
        description: 'x',
        email: 'a@example.org',
        options: { lock_password: true },
      },
    })
    expect(json.user).toMatchObject({
      default_project_id: projectId,
      description: 'x',
      email: 'a@example.org',
      options: { lock_password: true },
    })
    const back = await send('PATCH', `/users/${user.id}`, {
      user: { default_project_id: null, description: null, email: null, options: { lock_password: null } },
    })
    // Null is a value here: Keystone stores these two beside the caller’s own attributes.
    expect(back.json.user).toEqual({ ...user, description: null, email: null })
    expect((await send('POST', '/users', { user: { name: name('u'), options: { odd: true } } })).status).toBe(
      400,
    )
    expect((await send('POST', '/users', { user: { name: name('u'), federated: [{}] } })).status).toBe(400)
  })
  test('users change their own password without a token: a wrong old password is a 401, success is a 204', async () => {
    const user = await created('/users', 'user', { name: name('u'), password: 'a-long-password' })
    const change = (original_password: string) =>
      send(
        'POST',
        `/users/${user.id}/password`,
        { user: { original_password, password: 'another-password' } },
        '',
      )
    expect((await change('wrong')).status).toBe(401)
    const done = await change('a-long-password')
    expect([done.status, done.body]).toEqual([204, ''])
    expect((await send('PATCH', `/users/${user.id}`, { user: { password: 'short' } })).status).toBe(400)
    expect((await send('PATCH', `/users/${user.id}`, { user: { password: 'set-by-admin' } })).status).toBe(
      200,
    )
    expect((await change('another-password')).status).toBe(401)
  })
  test('expiring passwords are found by time', async () => {
    const user = await created('/users', 'user', { name: name('u') })
    await deps.root.user.update({
      where: { id: user.id },
      data: { passwordExpiresAt: new Date('2030-01-02T03:04:05Z') },
    })
    const found = async (filter: string) =>
      (await send('GET', `/users?name=${user.name}&password_expires_at=${filter}`)).json.users?.length
    expect(await found('lt:2030-01-03T00:00:00Z')).toBe(1)
    expect(await found('gte:2030-01-03T00:00:00Z')).toBe(0)
    expect(await found('2030-01-02T03:04:05Z')).toBe(1)
    expect((await send('GET', '/users?password_expires_at=lt:soon')).status).toBe(400)
    expect((await send('GET', `/users/${user.id}`)).json.user.password_expires_at).toBe(
      '2030-01-02T03:04:05.000000',
    )
  })
  test('groups list their members, and users their groups', async () => {
    const group = await created('/groups', 'group', { name: name('g') })
    expect(keys(group)).toEqual(['id', 'name', 'domain_id', 'description', 'links'])
    const user = await created('/users', 'user', { name: name('u') })
    const path = `/groups/${group.id}/users/${user.id}`
    expect((await send('HEAD', path)).status).toBe(404)
    expect((await send('PUT', path)).status).toBe(204)
    expect((await send('PUT', path)).status).toBe(204)
    expect((await send('HEAD', path)).status).toBe(204)
    const users = await send('GET', `/groups/${group.id}/users`)
    expect(users.json.users).toEqual([user])
    expect(users.json.links.self).toBe(`${base}/groups/${group.id}/users`)
    expect((await send('GET', `/users/${user.id}/groups`)).json.groups).toEqual([group])
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await send('DELETE', path)).status).toBe(404)
    expect((await send('DELETE', `/groups/${group.id}`)).status).toBe(204)
  })
})
