import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  listedStates,
  mainActionsByHand,
  mainActionsInToolbars,
  oddLabels,
  paintNames,
  paintNumbers,
  partsByHand,
  type Source,
  stateWords,
  tablesByHand,
} from './rules/design.ts'

const root = path.resolve(import.meta.dirname, '..')
const portal = path.join(root, 'apps/web/src')
const sources: Source[] = fs
  .readdirSync(portal, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(tsx?|css)$/.test(file))
  .map((file) => ({ file, text: fs.readFileSync(path.join(portal, file), 'utf8') }))
const page = fs.readFileSync(path.join(root, 'docs/design.md'), 'utf8')
const one = (text: string): Source[] => [{ file: 'x/XPage.tsx', text }]

describe('the portal keeps to docs/design.md', () => {
  test('the sources are found', () => {
    expect(sources.length).toBeGreaterThan(200)
  })
  test('colours are named by their role', () => {
    expect([...paintNames(sources), ...paintNumbers(sources)]).toEqual([])
  })
  test('main actions are made by the kit, in the title row, with one pattern of words', () => {
    expect([...mainActionsByHand(sources), ...mainActionsInToolbars(sources), ...oddLabels(sources)]).toEqual(
      [],
    )
  })
  test('code that is loaded later is loaded by the kit', () => {
    expect(partsByHand(sources)).toEqual([])
    expect(partsByHand(one('const A = lazy(() => x)\nconst B = dynamic<P>(() => x)'))).toHaveLength(2)
  })
  test('tables are drawn by the kit', () => {
    expect(tablesByHand(sources)).toEqual([])
  })
  test('every state has a word of the list', () => {
    const listed = listedStates(page)
    expect(stateWords(sources).length).toBeGreaterThan(20)
    expect(stateWords(sources).filter((word) => !listed.includes(word))).toEqual([])
  })
})

describe('each rule finds what breaks it', () => {
  test.each([
    ['a paint by name', paintNames, '<Alert color="red" />'],
    ['a paint in a variable', paintNames, 'color: var(--mantine-color-teal-6);'],
    ['a paint by number', paintNumbers, 'color: #fa5252;'],
    ['a main action by hand', mainActionsByHand, '<Button leftSection={<IconPlus size={16} />} onClick={x}>'],
    [
      'a main action by hand, whatever comes before its icon',
      mainActionsByHand,
      '<ReasonButton allowed={may()} leftSection={<IconPlus size={16} />} onClick={x}>',
    ],
    ['a main action above the table', mainActionsInToolbars, 'toolbar={<MainAction label="Create toy" />}'],
    ['a table of the component library', tablesByHand, '<Table aria-label="Toys">'],
    ['an article', oddLabels, '<MainAction label="Create a toy" />'],
    ['a verb of its own', oddLabels, '<MainAction label="New toy" />'],
  ])('%s', (_, rule, text) => {
    expect(rule(one(text))).toHaveLength(1)
  })
  test('what is in order is left alone', () => {
    const text = '<MainAction label="Allocate floating IP" to={x} /> <Button color="bad" href="#main">'
    expect(
      [paintNames, paintNumbers, mainActionsByHand, mainActionsInToolbars, oddLabels].flatMap((rule) =>
        rule(one(text)),
      ),
    ).toEqual([])
  })
  test('words of states', () => {
    const text = `<StateBadge state="Shut off" tone="off" /> { text: 'Fine', tone: 'good' }`
    expect(stateWords(one(text))).toEqual(['Fine', 'Shut off'])
    expect(
      listedStates(
        '## States\n| Words | of |\n|---|---|\n| Stopped, Not running | x |\n## Next\n| Other | y |',
      ),
    ).toEqual(['Stopped', 'Not running'])
  })
})
