import type { AddressInfo } from 'node:net'
import { execa } from 'execa'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import '../register.ts'
import { demoPassword, testCloud, testFacade, testUser } from '../identity/testing.ts'

/** The stock client of Debian 12 makes and uses application credentials and trusts. */

let cloud: Awaited<ReturnType<typeof testCloud>>
let app: FastifyInstance
let url: string
beforeAll(async () => {
  cloud = await testCloud()
  app = await testFacade(cloud.deps)
  await app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  cloud.deps.config.publicUrl = url
})
afterAll(async () => {
  await app.close()
  await cloud.close()
})

const common = () => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  OS_AUTH_URL: `${url}/identity/v3`,
  OS_IDENTITY_API_VERSION: '3',
  OS_REGION_NAME: 'RegionOne',
})
const demo = () => ({
  ...common(),
  OS_USERNAME: 'demo',
  OS_PASSWORD: demoPassword,
  OS_PROJECT_NAME: 'demo',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
})
async function run(env: Record<string, string>, ...args: string[]): Promise<Record<string, string>> {
  const result = await execa('/usr/bin/openstack', [...args, '-f', 'json'], {
    env,
    extendEnv: false,
    reject: false,
  })
  expect(result.exitCode, `${args.join(' ')}: ${result.stderr}`).toBe(0)
  return JSON.parse(result.stdout)
}

test('v3applicationcredential gets a token for the project that the credential was made for', async () => {
  const made = await run(demo(), 'application', 'credential', 'create', 'app', '--role', 'reader')
  const token = await run(
    {
      ...common(),
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: made.id ?? '',
      OS_APPLICATION_CREDENTIAL_SECRET: made.secret ?? '',
    },
    'token',
    'issue',
  )
  const project = await cloud.deps.root.project.findFirstOrThrow({ where: { name: 'demo' } })
  expect(token).toMatchObject({ project_id: project.id })
})

test('a trustee gets the trustor’s project by --os-trust-id', async () => {
  const taker = await testUser(cloud.deps)
  const { userId: id } = taker
  const giver = await cloud.deps.root.user.findFirstOrThrow({ where: { name: 'demo' } })
  // A user who may not list others must name them by id, so the trust is made without the client.
  const trust = await cloud.deps.root.role.findFirstOrThrow({ where: { name: 'member' } }).then((role) =>
    cloud.deps.root.trust.create({
      data: {
        id: 'a'.repeat(32),
        trustorId: giver.id,
        trusteeId: id,
        projectId: giver.defaultProjectId,
        roles: { create: [{ roleId: role.id }] },
      },
    }),
  )
  const env = {
    ...common(),
    OS_USERNAME: taker.name,
    OS_PASSWORD: taker.password,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_TRUST_ID: trust.id,
  }
  expect(await run(env, 'token', 'issue')).toMatchObject({ project_id: giver.defaultProjectId })
})
