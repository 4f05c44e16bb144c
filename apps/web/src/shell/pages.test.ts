import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { unplaced } from '../kit/paths.ts'
import { rooms } from '../rooms.ts'

const app = path.join(import.meta.dirname, '../app')
const pages = fs
  .readdirSync(app, { recursive: true, encoding: 'utf8' })
  .filter((file) => path.basename(file) === 'page.tsx')
  .map((file) => `/${path.dirname(file)}`)

test('every page is below its place, except those outside of the portal’s shell', () => {
  expect(pages.filter((page) => !page.startsWith('/[place]'))).toEqual([...unplaced].toSorted())
})

test('every entry of the side bar leads to a page', () => {
  const hrefs = rooms.flatMap((room) => room.pages.map(({ href }) => href))
  expect(hrefs.filter((href) => !pages.includes(`/[place]${href === '/' ? '' : href}`))).toEqual([])
})
