import { afterAll, beforeAll, expect, test } from 'vitest'
import { asMember, asReaderOf, type Deps, isAdmin, seesAll } from './context.ts'
import { testCtx, testDeps } from './testing.ts'

let deps: Deps
let close: () => Promise<void>
beforeAll(async () => {
  ;({ deps, close } = await testDeps())
})
afterAll(() => close())

test('who administers a domain is no administrator of a project that something of theirs may name', async () => {
  const ctx = await testCtx(deps, { role: 'admin' })
  const ofDomain = { ...ctx, scope: { kind: 'domain' as const, domainId: 'd' } }
  expect(isAdmin(asReaderOf(ofDomain, 'p'))).toBe(false)
  expect(asReaderOf(ofDomain, 'p').roles.has('reader')).toBe(true)
  expect(isAdmin(asReaderOf(ctx, 'p'))).toBe(true)
})

test('as a member nobody has a right that they have not', async () => {
  const reader = await testCtx(deps, { role: 'reader' })
  expect([...asMember(reader).roles]).toEqual(['reader'])
  const admin = await testCtx(deps, { role: 'admin' })
  expect(seesAll(asMember(admin))).toBe(false)
  expect([...asMember(admin).roles].sort()).toEqual(['member', 'reader'])
})
