import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { headingsOf } from '../apps/web/src/guide/headings.ts'
import { rooms } from '../apps/web/src/rooms.ts'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8')
const names = (folder: string, end: string) =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
const pages = new Map(names('docs/guide', '.md').map((name) => [name, read(`docs/guide/${name}`)]))
const portal = names('apps/web/src', '.ts')
  .concat(names('apps/web/src', '.tsx'))
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => read(`apps/web/src/${name}`))
const sorted = (list: Iterable<string>) => [...new Set(list)].toSorted()

const linksOf = (text: string) => [...text.matchAll(/(?<!!)\[[^\]]*\]\(([^)]+)\)/g)].map(([, to = '']) => to)
const picturesOf = (text: string) => [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, to = '']) => to)

/** Links that lead to no page, or to no heading of it. */
function lost(from: string, text: string): string[] {
  return linksOf(text).filter((to) => {
    if (/^https:/.test(to)) return false
    const [page = '', section] = to.split('#')
    const target = pages.get(page === '' ? from : page)
    return !target || (section !== undefined && !headingsOf(target).some(({ id }) => id === section))
  })
}

/** A label in the portal: a string, or the text between two tags. An article more or less makes no other label of it. */
const plain = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll(/\b(a|an|the) /g, '')
const labels = plain(portal.join('\n'))
const isLabel = (label: string) =>
  new RegExp(`['"\`>}] ?${plain(label).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')} ?['"\`<{]`).test(labels)
const bold = (text: string) => [...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, label = '']) => label)

describe('the guide', () => {
  test('all of its pages are listed in its contents, and the README leads there', () => {
    const listed = linksOf(pages.get('README.md') ?? '').map((to) => to.split('#')[0] ?? '')
    expect(sorted([...listed, 'README.md'])).toEqual(sorted(pages.keys()))
    expect(read('README.md')).toContain('(docs/guide/README.md)')
  })

  test('every link in it leads to a page and to a heading that exist', () => {
    expect([...pages].flatMap(([name, text]) => lost(name, text))).toEqual([])
    expect(lost('README.md', '[x](compute.md#nothing) [y](nowhere.md) [z](compute.md#flavors)')).toEqual([
      'compute.md#nothing',
      'nowhere.md',
    ])
  })

  test('what the help of a page of the portal names is there', () => {
    const helps = rooms.flatMap((room) =>
      room.pages.flatMap(({ help, create }) => [help, create?.help ?? help]),
    )
    expect(helps.length).toBeGreaterThan(40)
    expect(lost('README.md', helps.map((help) => `[x](${help.replace('#', '.md#')})`).join(' '))).toEqual([])
  })

  test('every label that it names is one of the portal', () => {
    const named = [...pages].flatMap(([name, text]) => bold(text).map((label) => ({ name, label })))
    expect(named.length).toBeGreaterThan(80)
    expect(named.filter(({ label }) => !isLabel(label))).toEqual([])
    expect(isLabel('Press what is not there')).toBe(false)
  })

  test('each picture is made by a browser test, is shown by a page, and is there', () => {
    const specs = names('e2e', '.e2e.ts').map((name) => read(`e2e/${name}`))
    const made = specs.flatMap((text) =>
      [...text.matchAll(/takePicture\(\w+, '([a-z-]+)'/g)].map(([, name]) => `pictures/${name}.webp`),
    )
    const shown = [...pages.values()].flatMap(picturesOf)
    expect(shown.length).toBeGreaterThan(10)
    expect(sorted(made)).toEqual(sorted(shown))
    expect(sorted(names('docs/guide', '.webp'))).toEqual(sorted(shown))
    // The README shows the same pictures, because others would grow old unseen.
    const first = picturesOf(read('README.md')).map((to) => to.replace('docs/guide/', ''))
    expect(first.length).toBeGreaterThan(3)
    expect(first.filter((to) => !shown.includes(to))).toEqual([])
  })
})
