import { expect, test } from 'vitest'
import type { Session } from '../kit/session.ts'
import { closedWords } from './closed-words.ts'
import { closedTo, navigationFor } from './navigation.tsx'

const session = (over: Partial<Session>): Session => ({
  ...{ userId: 'u', userName: 'ann', userDomain: { id: 'default', name: 'Default' } },
  ...{ project: { id: 'p', name: 'demo' }, domain: null, system: false, roles: ['member'], isAdmin: false },
  ...{ expiresAt: '', passwordExpiresAt: null, ...over },
})
const member = session({})
const admin = session({ roles: ['admin'], isAdmin: true })
const cloud = session({ project: null, system: true, roles: ['admin'], isAdmin: true })

const domain = session({ project: null, domain: { id: 'd', name: 'eng' }, roles: ['admin', 'reader'] })

test.each([
  [member, '/instances', null],
  [domain, '/admin/users', null],
  [domain, '/admin/hosts', 'cloud'],
  [member, '/instances/new', null],
  [member, '/admin/hosts', 'cloud'],
  [member, '/admin/users/7', 'directory'],
  [member, '/admin/projects', 'directory'],
  [member, '/admin/projects/p', null],
  [member, '/profile', null],
  [admin, '/admin/hosts', null],
  [cloud, '/admin/instances', null],
  [cloud, '/admin/networks', null],
  [member, '/admin/ports', 'cloud'],
  [member, '/ports', null],
  [cloud, '/instances', 'project'],
  [cloud, '/instances/new', 'project'],
  [cloud, '/instances/7', null],
] as const)('%# may be entered or not', (who, pathname, why) => expect(closedTo(who, pathname)).toBe(why))

test('whoever administers a domain is not told that administrators of domains work on a page of the cloud', () => {
  expect(closedWords.directory.text).toContain('of a domain')
  expect(closedWords.cloud.text).not.toContain('of a domain')
})

test('the pages of Admin stand in the order of their work, whatever rooms they are of', () => {
  const pages = navigationFor(admin).find(({ label }) => label === 'Admin')?.items
  expect(pages?.map(({ label }) => label)).toEqual([
    ...['Hosts', 'Unknown here', 'Flavors', 'All instances'],
    ...['All networks', 'All ports', 'All routers', 'All security groups', 'All floating IPs'],
    'Quota defaults',
    ...['All operations', 'Audit log', 'Services', 'Policy', 'System'],
  ])
})
