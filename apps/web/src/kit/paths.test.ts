import { expect, test } from 'vitest'
import { ownPath, paths, placed, placeIn, searching } from './paths.ts'

const one = 'a87a663c0f5d4ce38a1f0a4bd1f642c8'
const other = '0b7f1e6a-2c9d-4e1b-9a51-3f0d2c4b5a69'
const member = { at: one, beyond: false, home: one }
const admin = { at: one, beyond: true, home: one }
const cloud = { at: 'cloud', beyond: true, home: one }
const nobody = { at: 'cloud', beyond: false, home: null }

test.each([
  ['/', null, '/'],
  ['/instances', null, '/instances'],
  [`/${one}`, one, '/'],
  [`/${one}/instances/7`, one, '/instances/7'],
  [`/${other}/images`, other, '/images'],
  ['/cloud', 'cloud', '/'],
  ['/cloud/admin/hosts', 'cloud', '/admin/hosts'],
  ['/cloud?x=1', 'cloud', '/?x=1'],
  ['?cloud', null, '?cloud'],
  ['/clouds', null, '/clouds'],
  [`/${one}0/x`, null, `/${one}0/x`],
])('%s has the place %s and is %s there', (pathname, place, own) => {
  expect(placeIn(pathname)).toBe(place)
  expect(ownPath(pathname)).toBe(own)
})

test.each([
  ['a page of the project stays in it', member, '/networks?create=1', `/${one}/networks?create=1`],
  ['the overview', member, '/', `/${one}`],
  ['the overview with a question', member, '/?a=1', `/${one}?a=1`],
  ['a page of the cloud leads there', admin, '/admin/hosts?host=x', '/cloud/admin/hosts?host=x'],
  ['but not whoever may not go there', member, '/admin/hosts', `/${one}/admin/hosts`],
  [
    'one’s own project is seen from inside',
    admin,
    `/admin/projects/${one}?tab=quota`,
    `/${one}/admin/projects/${one}?tab=quota`,
  ],
  ['another one from the cloud', admin, `/admin/projects/${other}`, `/cloud/admin/projects/${other}`],
  ['a single thing is looked at from the cloud', cloud, '/instances/7', '/cloud/instances/7'],
  ['a list leads back to the project', cloud, '/instances?status=ERROR', `/${one}/instances?status=ERROR`],
  ['a launch is of a project', cloud, '/instances/new', `/${one}/instances/new`],
  ['the profile is everywhere', cloud, '/profile', '/cloud/profile'],
  ['without any project everything is there', nobody, '/instances', '/cloud/instances'],
  ['an address with its place stays', member, `/${other}/networks`, `/${other}/networks`],
  ['pages outside of the shell', member, '/sign-in?from=x', '/sign-in?from=x'],
  ['another site with a page outside of the shell', member, '//evil.com/sign-in', `/${one}`],
  ['another site with a place', cloud, '/\\evil.com/cloud/x', '/cloud'],
  ['what becomes another site', member, '/..//evil.com', `/${one}`],
  ['what is no address', member, '//', `/${one}`],
  ['what is no path', member, '#content', '#content'],
])('%s', (_, from, path, to) => expect(placed(from, path)).toBe(to))

test('a list is opened with the search that it reads from its address', () =>
  expect(searching(paths.floatingIps, '10.0.0.1 & more')).toBe('/floating-ips?search=10.0.0.1%20%26%20more'))
