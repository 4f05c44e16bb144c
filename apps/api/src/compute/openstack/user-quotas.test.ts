import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ask, closeNova, cloud, create, openNova, server } from './nova.testing.ts'

/** Quotas of single users: os-quota-sets with user_id, and their effect on the requests of the user. */
beforeAll(async () => {
  await openNova()
  const body = { quota_set: { instances: 30 } }
  const url = `/os-quota-sets/${cloud.owner.projectId}`
  expect((await ask('PUT', url, { token: cloud.tokens.admin, body })).statusCode).toBe(200)
})
afterAll(closeNova)

const path = () => `/os-quota-sets/${cloud.owner.projectId}?user_id=${cloud.owner.ctx.actor.userId}`
const set = (quota_set: Record<string, unknown>) =>
  ask('PUT', path(), { token: cloud.tokens.admin, body: { quota_set } })
const shown = async (url = path()) =>
  (await ask('GET', url)).json() as { quota_set: Record<string, number & { limit: number; in_use: number }> }
afterEach(async () => {
  expect((await ask('DELETE', path(), { token: cloud.tokens.admin })).statusCode).toBe(202)
})

test('equal the project’s until they are set, and again when they are removed', async () => {
  const project = (await shown(`/os-quota-sets/${cloud.owner.projectId}`)).quota_set
  expect((await shown()).quota_set).toEqual(project)
  const made = await set({ instances: 2, key_pairs: 1 })
  expect([made.statusCode, made.json()]).toMatchObject([200, { quota_set: { instances: 2, key_pairs: 1 } }])
  expect((await shown()).quota_set).toEqual({ ...project, instances: 2, key_pairs: 1 })
  expect((await shown(`/os-quota-sets/${cloud.owner.projectId}`)).quota_set).toEqual(project)
  await ask('DELETE', path(), { token: cloud.tokens.admin })
  expect((await shown()).quota_set).toEqual(project)
})

test('are at most the project’s, at least the use, and only for resources that belong to users', async () => {
  const { instances } = (await shown()).quota_set
  for (const [wish, sentence] of [
    [{ instances: Number(instances) + 1 }, /must be less than or equal to/],
    [{ instances: -1 }, /must be less than or equal to/],
    [{ security_groups: 1 }, /counted for the project/],
  ] as const) {
    const refused = await set(wish)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringMatching(sentence)])
  }
  expect((await set({ instances: Number(instances) + 1, force: true })).statusCode).toBe(200)
  for (const user of ['', 'x'.repeat(3_000), 'a%00b']) {
    const url = `/os-quota-sets/${cloud.owner.projectId}?user_id=${user}`
    const answer = await ask('PUT', url, { token: cloud.tokens.admin, body: { quota_set: { cores: 1 } } })
    expect(answer.statusCode, user.slice(0, 9)).toBe(400)
  }
})

test('bound the launches of a user, also when they are all sent at once', async () => {
  const used = (await shown(path().replace('?', '/detail?'))).quota_set.instances?.in_use ?? 0
  expect((await set({ instances: used + 2, force: true })).statusCode).toBe(200)
  const networks = [{ uuid: cloud.owner.networkId }]
  const answers = await Promise.all(Array.from({ length: 5 }, () => create({ networks })))
  expect(answers.map((answer) => answer.statusCode).sort()).toEqual([202, 202, 403, 403, 403])
  expect(answers.find((answer) => answer.statusCode === 403)?.body).toMatch(/Quota exceeded/)
  const detail = (await shown(path().replace('?', '/detail?'))).quota_set
  expect(detail.instances).toMatchObject({ limit: used + 2, in_use: used + 2 })
  await cloud.owner.settle()
  const below = await set({ instances: used + 1 })
  expect([below.statusCode, below.body]).toEqual([400, expect.stringMatching(/already used/)])
  const least = server({ networks, min_count: 1, max_count: 3 })
  expect((await set({ instances: used + 3 })).statusCode).toBe(200)
  expect((await ask('POST', '/servers', { body: least })).statusCode).toBe(202)
  expect((await shown(path().replace('?', '/detail?'))).quota_set.instances?.in_use).toBe(used + 3)
  await cloud.owner.settle()
})

test('are shown to the user and to administrators only', async () => {
  const other = path().replace(/user_id=.*/, `user_id=${cloud.stranger.userId}`)
  for (const url of [other, other.replace('?', '/detail?')]) {
    expect((await ask('GET', url)).statusCode).toBe(403)
    expect((await ask('GET', url, { token: cloud.tokens.ownerReader })).statusCode).toBe(403)
    expect((await ask('GET', url, { token: cloud.tokens.admin })).statusCode).toBe(200)
  }
})

test('bound server groups and key pairs', async () => {
  expect((await set({ server_groups: 0, key_pairs: 0, force: true })).statusCode).toBe(200)
  for (const [url, body] of [
    ['/os-server-groups', { server_group: { name: 'g', policies: ['affinity'] } }],
    ['/os-keypairs', { keypair: { name: 'one-too-many' } }],
  ] as const) {
    const refused = await ask('POST', url, { body })
    expect([refused.statusCode, refused.body]).toEqual([403, expect.stringMatching(/Quota exceeded/)])
  }
})

test('of key pairs and groups stop no launch of a user who has more of these already', async () => {
  for (const name of ['first', 'second'])
    expect((await ask('POST', '/os-keypairs', { body: { keypair: { name } } })).statusCode).toBe(200)
  const group = { server_group: { name: 'g', policies: ['affinity'] } }
  expect((await ask('POST', '/os-server-groups', { body: group })).statusCode).toBe(200)
  expect((await set({ key_pairs: 1, server_groups: 0, instances: 25, force: true })).statusCode).toBe(200)
  const made = await create({ networks: [{ uuid: cloud.owner.networkId }] })
  expect(made.statusCode, made.body).toBe(202)
  await cloud.owner.settle()
})
