import type { FastifyInstance, InjectOptions } from 'fastify'
import { expect } from 'vitest'
import { testCloud, testFacade } from '../../identity/testing.ts'
import { issueToken, type ScopeWish } from '../../identity/tokens.ts'
import { type Deps, inTransaction, systemCtx } from '../../kernel/context.ts'
import { hexId } from '../../kernel/testing.ts'
import { assignRole } from '../roles/by-name.ts'
import { createUser } from '../users/service.ts'

/** Bodies, codes and words of the directory are those of a real Zed cloud (values are this cloud's own). */

let cloud: Awaited<ReturnType<typeof testCloud>>
export let deps: Deps
let app: FastifyInstance
export let admin: string
export let projectId: string
export async function openDirectory(): Promise<void> {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
  projectId = (await deps.root.project.findFirstOrThrow({ where: { name: 'demo' } })).id
  const adminProject = await deps.root.project.findFirstOrThrow({ where: { name: 'admin' } })
  admin = await tokenOf('admin', { kind: 'project', projectId: adminProject.id })
}
export async function closeDirectory(): Promise<void> {
  await app.close()
  await cloud.close()
}

export const base = 'http://cloud.test/identity/v3'
export const name = (what: string) => `${what}-${hexId().slice(0, 8)}`

export async function tokenOf(role: string, scope: ScopeWish): Promise<string> {
  const ctx = systemCtx(deps, 'test')
  const user = await createUser(ctx, { name: name('u') })
  const target =
    scope.kind === 'project'
      ? { projectId: scope.projectId }
      : scope.kind === 'domain'
        ? { domainId: scope.domainId }
        : ({ system: true } as const)
  await assignRole(ctx, { userId: user.id, role, target })
  const wish = { userId: user.id, scope, methods: ['password'] }
  return (await inTransaction(ctx, (tx) => issueToken(tx, wish))).text
}

/** Sends a request with the administrator's token or another token; returns status, body and headers. */
export async function send(method: InjectOptions['method'], path: string, payload?: object, token = admin) {
  const answer = await app.inject({
    method,
    url: `/identity/v3${path}`,
    headers: { 'x-auth-token': token },
    ...(payload ? { payload } : {}),
  })
  const { statusCode: status, body, headers } = answer
  return { status, body, headers, json: body === '' ? null : JSON.parse(body) }
}
export const created = async (path: string, key: string, body: object) => {
  const answer = await send('POST', path, { [key]: body })
  expect([answer.status, answer.body.slice(0, 300)]).toEqual([201, expect.any(String)])
  return answer.json[key]
}
export const keys = (value: object) => Object.keys(value)
