import type { ReactElement } from 'react'
import { expect, test } from 'vitest'
import type { Session } from '../kit/session.ts'
import { closedWords } from './closed-words.ts'
import { closedTo, cloudListOf, isMarked, pageBefore, sameKind, sideBarFor } from './navigation.tsx'

const session = (over: Partial<Session>): Session => ({
  ...{ at: 'p', place: 'p', beyond: false, home: 'p' },
  ...{ userId: 'u', userName: 'ann', userDomain: { id: 'default', name: 'Default' } },
  ...{ project: { id: 'p', name: 'demo' }, domain: null, system: false, roles: ['member'], isAdmin: false },
  ...{ expiresAt: '', passwordExpiresAt: null, ...over },
})
const member = session({})
const admin = session({ roles: ['admin'], isAdmin: true, beyond: true })
const cloud = session({
  at: 'cloud',
  place: 'system',
  beyond: true,
  project: null,
  system: true,
  roles: ['admin'],
  isAdmin: true,
})

const domain = session({
  at: 'cloud',
  place: 'domain:d',
  beyond: true,
  project: null,
  domain: { id: 'd', name: 'eng' },
  roles: ['admin', 'reader'],
})

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
] as const)('the session and page of case %# are open or closed as expected', (who, pathname, why) =>
  expect(closedTo(who, pathname)).toBe(why),
)

test.each([
  [cloud, '/instances', '/admin/instances'],
  [cloud, '/instances/new', '/admin/instances'],
  [cloud, '/ports', '/admin/ports'],
  [cloud, '/key-pairs', null],
  [domain, '/instances', null],
] as const)('the list of all projects for the session and page of case %#', (who, pathname, href) =>
  expect(cloudListOf(who, pathname)?.href ?? null).toBe(href),
)

test('the text of a page for administrators of the cloud does not name administrators of domains', () => {
  expect(closedWords.directory.text).toContain('of a domain')
  expect(closedWords.cloud.text).not.toContain('of a domain')
})

const shown = (who: Session) =>
  sideBarFor(who).map(({ label, items }) => [label, items.map((one) => one.label)])

test('the side bar of a project has the pages of the project, also for people who see the cloud', () => {
  expect(shown(admin)).toEqual(shown(member))
  expect(shown(member).map(([label]) => label)).toEqual(['Home', 'Compute', 'Network', 'Project'])
})

test('the pages of the cloud stand in the order of their use, whatever their rooms', () => {
  expect(shown(cloud).map(([label]) => label)).toEqual(['Home', 'Identity', 'Resources', 'Admin'])
  expect(shown(cloud).at(-1)?.[1]).toEqual([
    ...['Hosts', 'Unknown here', 'All operations', 'Audit log', 'Services', 'Policy', 'System'],
  ])
})

test('no page is in two places, no heading stands over a single page, and no two pages have the same icon', () => {
  for (const who of [member, cloud]) {
    const groups = sideBarFor(who)
    const icons = groups.flatMap(({ items }) => items.map(({ icon }) => (icon as ReactElement).type))
    expect(new Set(icons).size).toBe(icons.length)
    for (const { label, hidden, items } of groups)
      if (hidden === undefined) {
        expect(items.length, label).toBeGreaterThan(1)
        expect(items.map((item) => item.label)).not.toContain(label)
      }
  }
})

test('every entry is visible at a height of 900 px', () => {
  // The heights of Shell.module.css: header, switch, headings, entries and the space below.
  for (const who of [admin, cloud]) {
    const groups = sideBarFor(who)
    const headings = groups.filter(({ hidden }) => hidden === undefined).length
    const entries = groups.flatMap(({ items }) => items).length
    expect(56 + 10 + 40 + headings * 33 + entries * 28 + 16).toBeLessThanOrEqual(900)
  }
})

test.each([
  ['/', '/'],
  ['/networks', '/networks'],
  ['/networks/7', '/networks'],
  ['/instances/new', '/instances/new'],
  ['/profile', '/profile'],
  ['/admin/hosts', '/'],
  ['/admin/projects/p', '/'],
])('a person who switches the project at %s comes to %s', (from, to) => expect(sameKind(from)).toBe(to))

test('pages that the side bar does not show mark the page that leads there, and have a way back to it', () => {
  const there = ['volume-groups', 'volume-types', 'volume-pools', 'volume-snapshots', 'volume-backups']
  for (const page of there) {
    expect(pageBefore(`/admin/${page}`), page).toMatchObject({
      ...{ href: '/admin/volumes', label: 'All volumes' },
    })
    expect(isMarked('/admin/volumes', `/admin/${page}`), page).toBe(true)
  }
  expect(pageBefore('/volume-groups')).toMatchObject({ href: '/volumes', label: 'Volumes' })
  expect(isMarked('/volumes', '/volume-groups/7')).toBe(true)
  expect(pageBefore('/volume-groups/7')).toBeNull()
  expect(pageBefore('/volumes')).toBeNull()
  expect(isMarked('/volumes', '/volume-snapshots')).toBe(false)
})
