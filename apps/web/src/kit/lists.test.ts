import { describe, expect, it, test } from 'vitest'
import { hiddenOf } from './columns.ts'
import { everyPage, listFile, TooLong } from './csv.ts'
import { chosenOf, type FilterDef } from './filters.ts'
import { countText, nextSort, sortOf } from './list-query.ts'

describe('the count of a list', () => {
  const words = { one: 'instance', many: 'instances' }
  it.each([
    [{ total: 0, atLeast: false, first: null }, 0, ''],
    [{ total: 1, atLeast: false, first: 1 }, 1, '1 instance'],
    [{ total: 3, atLeast: false, first: 1 }, 3, '3 instances'],
    [{ total: 61, atLeast: false, first: 1 }, 50, '1–50 of 61 instances'],
    [{ total: 61, atLeast: false, first: 51 }, 11, '51–61 of 61 instances'],
    [{ total: 1000, atLeast: true, first: 951 }, 50, '951–1,000 of 1,000+ instances'],
    [{ total: 1000, atLeast: true, first: null }, 50, '50 of 1,000+ instances'],
    [{ total: 1000, atLeast: true, first: 1 }, 1000, '1–1,000 of 1,000+ instances'],
  ])('%j, of which %d are shown', (count, shown, text) => expect(countText(count, shown, words)).toBe(text))
})

test('a column is sorted up, down and not at all, and an address may name only a sortable column', () => {
  expect([null, 'name', '-name', '-state'].map((now) => nextSort(now, 'name'))).toEqual([
    'name',
    '-name',
    null,
    'name',
  ])
  const columns = [{ id: 'name', sort: true as const }, { id: 'none' }]
  expect(sortOf('-name', columns)).toEqual({ id: 'name', down: true })
  expect(sortOf('name', columns)).toEqual({ id: 'name', down: false })
  for (const text of [null, '', 'none', 'x', '--name', 'constructor'])
    expect(sortOf(text, columns)).toBeNull()
})

test('a filter’s impossible value is not sent', () => {
  const filters: FilterDef[] = [
    { id: 'state', label: 'State', options: [{ value: 'up', label: 'Up' }] },
    { id: 'image', label: 'Image', pick: () => null, isValue: (text) => text === 'id' },
    { id: 'tag', label: 'Tag', isWord: (text) => !text.includes(',') },
  ]
  const chosen = (query: string) => chosenOf(filters, (key) => new URLSearchParams(query).get(key))
  expect(chosen('state=up&image=id&tag=a b')).toEqual({ state: 'up', image: 'id', tag: 'a b' })
  expect(chosen('state=sideways&image=i&tag=a,b&other=x')).toEqual({})
  expect(chosen('state=&image=&tag=')).toEqual({})
})

describe('a list as a file', () => {
  const columns = [
    { header: 'Name', value: (view: { id: string; name: string }) => view.name },
    { header: 'Menu' },
  ]
  it('has the IDs and the columns with values, and formulas are made harmless', () => {
    expect(listFile(columns, [{ id: '7', name: '=1+1' }])).toBe("ID,Name\r\n7,'=1+1\r\n")
  })
  it('has all pages', async () => {
    const asked: (string | undefined)[] = []
    const rows = await everyPage(async (marker) => {
      asked.push(marker)
      return marker === undefined ? { items: [1, 2], next: 'x' } : { items: [3], next: null }
    })
    expect([rows, asked]).toEqual([
      [1, 2, 3],
      [undefined, 'x'],
    ])
  })
  it('is refused, and not cut, when the list is too long', async () => {
    const page = async () => ({ items: Array.from({ length: 25_000 }, () => 0), next: 'x' })
    await expect(everyPage(page)).rejects.toThrow(TooLong)
  })
})

test.each([
  ['["a","b"]', ['a', 'b']],
  [null, []],
  ['{"a":1}', []],
  ['[1,"a",null]', ['a']],
  ['nonsense', []],
])('hidden columns are kept as %j', (text, hidden) => expect([...hiddenOf(text)]).toEqual(hidden))
