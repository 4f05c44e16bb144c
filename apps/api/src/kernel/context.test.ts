import { afterAll, beforeAll, expect, test } from 'vitest'
import { asMember, asReaderOf, type Deps, isAdmin, seesAll } from './context.ts'
import { testCtx, testDeps } from './testing.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

test('asReaderOf does not make the administrator of a domain an administrator of the cloud', async () => {
  const ctx = await testCtx(deps, { role: 'admin' })
  const ofDomain = { ...ctx, scope: { kind: 'domain' as const, domainId: 'd' } }
  expect(isAdmin(asReaderOf(ofDomain, 'p'))).toBe(false)
  expect(asReaderOf(ofDomain, 'p').roles.has('reader')).toBe(true)
  expect(isAdmin(asReaderOf(ctx, 'p'))).toBe(true)
})

test('asMember gives no role that the caller does not have', async () => {
  const reader = await testCtx(deps, { role: 'reader' })
  expect([...asMember(reader).roles]).toEqual(['reader'])
  const admin = await testCtx(deps, { role: 'admin' })
  expect(seesAll(asMember(admin))).toBe(false)
  expect([...asMember(admin).roles].sort()).toEqual(['member', 'reader'])
})
