import { expect, test } from 'vitest'
import { paths } from '../kit/paths.ts'
import { rooms } from '../rooms.ts'
import { headingsOf, titleOf } from './headings.ts'
import { helpFor } from './help-for.ts'
import { guideLink, pictureLink, placeLink } from './links.ts'

test.each([
  ['/', 'first-steps#the-overview'],
  ['/instances', 'compute#instances'],
  ['/instances/new', 'compute#launch-an-instance'],
  ['/instances/5f0c', 'compute#instances'],
  ['/admin/users/7', 'directory#users'],
  ['/help/compute', null],
] as const)('the help of %s is %s', (pathname, place) => expect(helpFor(rooms, pathname)).toBe(place))

test('every page of the portal has a place in the guide', () => {
  const pages = rooms.flatMap((room) => room.pages)
  expect(pages.length).toBeGreaterThan(20)
  expect(pages.filter(({ href }) => helpFor(rooms, href) === null)).toEqual([])
})

test('links of the repository lead to pages of the portal', () => {
  expect(guideLink('networking.md#why-does-ssh-not-answer')).toBe('/help/networking#why-does-ssh-not-answer')
  expect(guideLink('README.md')).toBe('/help')
  expect(guideLink('#routers')).toBe('#routers')
  expect(guideLink('https://example.org/a.md')).toBe('https://example.org/a.md')
  expect(placeLink('compute#flavors')).toBe(paths.help('compute', 'flavors'))
  expect(pictureLink('pictures/launch.webp')).toBe('/api/guide/launch.webp')
})

test('headings get the anchors that repositories give them, and comments in a block of commands are no headings', () => {
  const text = '# Compute\n## Instances\n```\n# not me\n## nor me\n```\n### Why’s that?\n## Instances\n'
  expect(titleOf(text)).toBe('Compute')
  expect(headingsOf(text).map(({ depth, id }) => `${depth} ${id}`)).toEqual([
    '2 instances',
    '3 whys-that',
    '2 instances-1',
  ])
})
