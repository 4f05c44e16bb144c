import { afterAll, beforeAll, expect, test } from 'vitest'
import { assignRole } from '../directory/roles/by-name.ts'
import { createUser } from '../directory/users/service.ts'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { expectCloudError, hexId, testCtx, testDeps } from '../kernel/testing.ts'
import { explain, listRules } from './service.ts'
import '../register.ts'
import { seedRows } from '@stratolith/db/seed'

let deps: Deps
let close: () => Promise<void>
let system: Ctx
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
  await seedRows(deps.root)
  system = systemCtx(deps, 'test')
})
afterAll(() => close())

async function member(role = 'member'): Promise<Ctx & { projectId: string }> {
  const ctx = await testCtx(deps)
  await assignRole(system, { userId: ctx.actor.userId, role, target: { projectId: ctx.projectId } })
  return ctx
}

test('an allowed action is explained by the clause that holds, a refused one by the missing words', async () => {
  const ctx = await member()
  expect(await explain(ctx, { action: 'compute:launch_instance' })).toMatchObject({
    allowed: true,
    rule: 'role:member and project:own',
    source: 'default',
    reason: `Yes: “role:member and project:own” holds for ${ctx.actor.userName}.`,
    user: { id: ctx.actor.userId },
    scope: { kind: 'project', id: ctx.projectId },
    roles: ['member', 'reader'],
  })
  expect(await explain(ctx, { action: 'compute:create_flavor' })).toMatchObject({
    allowed: false,
    reason: `No: for ${ctx.actor.userName} this does not hold: admin.`,
    clauses: [[{ word: 'admin', holds: false }]],
  })
  await expectCloudError(explain(ctx, { action: 'compute:fly' }), 'invalid_input')
})

test('the explanation uses the present roles of the user, not those of the caller’s token', async () => {
  const [reader, admin] = [await member('reader'), await testCtx(deps, { role: 'admin' })]
  const ask = () =>
    explain(admin, {
      action: 'compute:launch_instance',
      userId: reader.actor.userId,
      scope: { projectId: reader.projectId },
    })
  expect((await ask()).allowed).toBe(false)
  await assignRole(system, {
    userId: reader.actor.userId,
    role: 'member',
    target: { projectId: reader.projectId },
  })
  expect(await ask()).toMatchObject({ allowed: true, roles: ['member', 'reader'] })
})

test('users and scopes that the caller may not see are not found, and a domain’s administrator sees those of the domain', async () => {
  const [ctx, other] = [await member(), await member()]
  const action = 'network:create'
  await expectCloudError(explain(ctx, { action, userId: other.actor.userId }), 'not_found')
  await expectCloudError(explain(ctx, { action, scope: { projectId: other.projectId } }), 'not_found')
  await expectCloudError(explain(ctx, { action, userId: 'f'.repeat(32) }), 'not_found')
  const domainId = hexId()
  await deps.root.domain.create({ data: { id: domainId, name: `d-${domainId}` } })
  const user = await createUser(system, { name: 'of-domain', domainId })
  const boss: Ctx = {
    ...ctx,
    scope: { kind: 'domain', domainId },
    roles: new Set(['admin', 'member', 'reader']),
  }
  expect(
    await explain(boss, { action: 'policy:explain', userId: user.id, scope: { domainId } }),
  ).toMatchObject({ allowed: true, user: { name: 'of-domain' }, roles: [] })
  await expectCloudError(explain(boss, { action, userId: other.actor.userId }), 'not_found')
})

test('the list of rules contains every action', async () => {
  const rules = listRules(await member())
  expect(rules.length).toBeGreaterThan(60)
  expect(rules.every((r) => r.rule !== '' && r.source === 'default')).toBe(true)
})
