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

test('yes with the clause that holds, no with what is missing', async () => {
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

test('it answers from the roles that the user has now, not from the token of who asks', async () => {
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

test('others and places that one does not see are not there; a domain’s administrator sees its own', async () => {
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

test('the list of rules has every action', async () => {
  const rules = listRules(await member())
  expect(rules.length).toBeGreaterThan(60)
  expect(rules.every((r) => r.rule !== '' && r.source === 'default')).toBe(true)
})
