import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Logger } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Ctx } from './context.ts'
import { allRules, authorize, decide, overridePolicy, registerPolicy, watchPolicy } from './policy.ts'
import { refusal } from './refusal.ts'

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
      'test:cloud': 'admin',
      'test:domain': 'role:admin and domain:own',
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

  test('a role on a domain counts only in a clause that names domains', () => {
    const scope = { kind: 'domain', domainId: 'd1' } as const
    const ctx = { ...ctxOf('admin'), scope }
    expect(decide(ctx, 'test:admin').allowed).toBe(false)
    expect(decide(ctx, 'test:cloud').allowed).toBe(false)
    expect(decide(ctx, 'test:domain', { domainId: 'd1' }).allowed).toBe(true)
    expect(decide(ctx, 'test:domain', { domainId: 'd2' }).allowed).toBe(false)
    expect(decide(ctx, 'test:domain', {}).allowed).toBe(false)
  })

  test('a decision says of each word of the rule whether it holds', () => {
    expect(decide(ctxOf('member'), 'test:read', { projectId: 'p2' })).toEqual({
      allowed: false,
      rule: 'role:reader and project:own or public:yes or role:admin',
      source: 'default',
      clauses: [
        [
          { word: 'role:reader', holds: true },
          { word: 'project:own', holds: false },
        ],
        [{ word: 'public:yes', holds: false }],
        [{ word: 'role:admin', holds: false }],
      ],
    })
  })

  test('a refusal names the action and says who may do it', () => {
    expect(() => authorize(ctxOf('reader'), 'test:write', { projectId: 'p1' })).toThrow(
      'You may not do this (test:write): it is for those with the role “member” in its project and administrators of the cloud. An administrator of the cloud or of your domain can give you the role.',
    )
    // The refusal names no helper, because nobody in a project can give a right on the cloud.
    expect(refusal('hosts:list_hosts', 'admin or role:reader and scope:system')).toBe(
      'You may not do this (hosts:list_hosts): it is for administrators of the cloud and readers of the whole cloud.',
    )
    expect(refusal('a:b', 'user:own or admin or role:admin and domain:own')).toBe(
      'You may not do this (a:b): it is for the user who owns it, administrators of its domain and administrators of the cloud.',
    )
    expect(refusal('a:b', 'scope:project')).toContain('nobody like you')
  })

  test('an action without a rule and a rule with an unknown word raise errors and allow nothing', () => {
    expect(() => decide(ctxOf('admin'), 'test:nowhere')).toThrow(/no policy/)
    expect(() => decide(ctxOf('admin'), 'test:typo')).toThrow(/unknown word/)
  })
})

describe("the operator's policy.yaml", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-policy-'))
  afterAll(() => {
    fs.rmSync(dir, { recursive: true, force: true })
    overridePolicy(dir) // Removes the overrides again.
  })
  const override = (text: string) => {
    fs.writeFileSync(path.join(dir, 'policy.yaml'), text)
    overridePolicy(dir)
  }
  beforeAll(() => registerPolicy({ 'test:file': 'role:admin', 'test:other': 'role:admin' }))

  test('replaces the rules that it names and no others', () => {
    override('"test:file": "role:reader and project:own"')
    expect(decide(ctxOf('reader'), 'test:file', { projectId: 'p1' }).allowed).toBe(true)
    expect(decide(ctxOf('reader'), 'test:file', { projectId: 'p2' }).allowed).toBe(false)
    expect(decide(ctxOf('reader'), 'test:other').allowed).toBe(false)
  })
  test('an unknown action, an unknown word and another shape stop the start', () => {
    expect(() => override('"test:nowhere": "role:admin"')).toThrow(/no action “test:nowhere”/)
    expect(() => override('"test:file": "rule:boss"')).toThrow(/unknown word “rule:boss”/)
    expect(() => override('- role:admin')).toThrow(/must be a map/)
    fs.rmSync(path.join(dir, 'policy.yaml'))
    expect(() => overridePolicy(dir)).not.toThrow()
    expect(decide(ctxOf('reader'), 'test:file', { projectId: 'p1' }).allowed).toBe(false)
  })
  test('is read again when it changes, and a mistake in it leaves the previous rules in force', async () => {
    override('"test:file": "role:reader"')
    const said: string[] = []
    const log = { info: () => said.push('read'), error: () => said.push('mistake') } as unknown as Logger
    const stop = watchPolicy(dir, log)
    try {
      fs.writeFileSync(path.join(dir, 'policy.yaml'), '"test:file": "rule:nonsense"')
      await vi.waitFor(() => expect(said).toEqual(['mistake']), 60_000)
      expect(decide(ctxOf('reader'), 'test:file').allowed).toBe(true)
      fs.writeFileSync(path.join(dir, 'policy.yaml'), '"test:file": "role:member or user:own"')
      await vi.waitFor(() => expect(said).toEqual(['mistake', 'read']), 60_000)
      expect(decide(ctxOf('reader'), 'test:file').allowed).toBe(false)
      expect(allRules().find((r) => r.action === 'test:file')).toEqual({
        action: 'test:file',
        rule: 'role:member or user:own',
        source: 'policy.yaml',
      })
    } finally {
      stop()
    }
  })
})
