import { expect, test } from 'vitest'
import { asOpened, menuParts } from './menu-order.ts'

const entry = (id: string, more: { allowed?: true | string; danger?: boolean; group?: string } = {}) => ({
  ...{ id, allowed: true as true | string },
  ...more,
})
const idsOf = (entries: readonly { id: string }[]) => entries.map(({ id }) => id)

test('the groups of a menu stand in one order whatever is possible, and what is dangerous is behind them', () => {
  for (const allowed of [true, 'Wait.'] as const) {
    const { safe, danger } = menuParts([
      ...[entry('attach', { group: 'use', allowed }), entry('write', { danger: true, group: 'keep' })],
      ...[entry('copy', { group: 'keep' }), entry('extend', { group: 'use' }), entry('edit')],
      entry('delete', { danger: true, allowed }),
    ])
    expect(safe.map(idsOf)).toEqual([['attach', 'extend'], ['copy'], ['edit']])
    expect(idsOf(danger)).toEqual(['write', 'delete'])
  }
})

test('the entries of an open menu stay where they are, also when some come and go', () => {
  const opened = [entry('attach'), entry('edit'), entry('delete', { danger: true })]
  const now = [entry('detach'), entry('edit', { allowed: 'Wait.' }), opened[2] ?? entry('')]
  expect(asOpened(opened, now).map(({ id, allowed }) => [id, allowed])).toEqual([
    ['attach', expect.stringContaining('Open the menu again')],
    ['edit', 'Wait.'],
    ['delete', true],
  ])
})
