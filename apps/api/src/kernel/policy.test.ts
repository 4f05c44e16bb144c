import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from './context.ts'
import { authorize, decide, registerPolicy } from './policy.ts'

const ctxOf = (role: 'admin' | 'member' | 'reader', projectId = 'p1'): Ctx =>
  ({
    actor: { userId: 'u1', userName: 'u1', domainId: 'default', tokenHash: null },
    scope: { kind: 'project', projectId, projectName: projectId, domainId: 'default' },
    roles: new Set(
      { admin: ['admin', 'member', 'reader'], member: ['member', 'reader'], reader: ['reader'] }[role],
    ),
  }) as unknown as Ctx

describe('policy', () => {
  beforeAll(() => {
    registerPolicy({
      'test:read': 'role:reader and project:own or public:yes or role:admin',
      'test:write': 'role:member and project:own or role:admin',
      'test:admin': 'role:admin',
      'test:own': 'user:own',
      'test:typo': 'rol:admin',
    })
  })

  const table: [string, Ctx, { projectId?: string; userId?: string; public?: boolean }, boolean][] = [
    ['test:read', ctxOf('reader'), { projectId: 'p1' }, true],
    ['test:read', ctxOf('reader'), { projectId: 'p2' }, false],
    ['test:read', ctxOf('reader'), { projectId: 'p2', public: true }, true],
    ['test:read', ctxOf('admin'), { projectId: 'p2' }, true],
    ['test:write', ctxOf('reader'), { projectId: 'p1' }, false],
    ['test:write', ctxOf('member'), { projectId: 'p1' }, true],
    ['test:write', ctxOf('member'), { projectId: 'p2' }, false],
    ['test:write', ctxOf('admin'), { projectId: 'p2' }, true],
    ['test:admin', ctxOf('member'), {}, false],
    ['test:own', ctxOf('reader'), { userId: 'u1' }, true],
    ['test:own', ctxOf('admin'), { userId: 'u2' }, false],
  ]
  test.each(table)('%s', (action, ctx, target, allowed) => {
    expect(decide(ctx, action, target).allowed).toBe(allowed)
  })

  test('a refusal names the action and the rule', () => {
    expect(() => authorize(ctxOf('reader'), 'test:write', { projectId: 'p1' })).toThrow(
      /test:write needs: role:member/,
    )
  })

  test('an action without a rule and a rule with an unknown word are errors, never a yes', () => {
    expect(() => decide(ctxOf('admin'), 'test:nowhere')).toThrow(/no policy/)
    expect(() => decide(ctxOf('admin'), 'test:typo')).toThrow(/unknown word/)
  })
})
