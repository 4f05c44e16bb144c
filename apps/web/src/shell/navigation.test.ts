import { expect, test } from 'vitest'
import type { Session } from '../kit/session.ts'
import { closedTo } from './navigation.tsx'

const session = (over: Partial<Session>): Session => ({
  ...{ userId: 'u', userName: 'ann', userDomain: { id: 'default', name: 'Default' } },
  ...{ project: { id: 'p', name: 'demo' }, domain: null, system: false, roles: ['member'], isAdmin: false },
  ...{ expiresAt: '', passwordExpiresAt: null, ...over },
})
const member = session({})
const admin = session({ roles: ['admin'], isAdmin: true })
const cloud = session({ project: null, system: true, roles: ['admin'], isAdmin: true })

test.each([
  [member, '/instances', null],
  [member, '/instances/new', null],
  [member, '/admin/hosts', 'rights'],
  [member, '/admin/users/7', 'rights'],
  [member, '/admin/projects', 'rights'],
  [member, '/admin/projects/p', null],
  [member, '/profile', null],
  [admin, '/admin/hosts', null],
  [cloud, '/admin/instances', null],
  [cloud, '/instances', 'project'],
  [cloud, '/instances/new', 'project'],
  [cloud, '/instances/7', null],
] as const)('%# may be entered or not', (who, pathname, why) => expect(closedTo(who, pathname)).toBe(why))
