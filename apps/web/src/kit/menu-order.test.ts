import { expect, test } from 'vitest'
import { inMenuOrder, menuOrder } from './menu-order.ts'

const entry = (id: string, allowed: true | string = true) => ({ id, allowed })

test('an entry of an open menu stays under the pointer when another one becomes possible', () => {
  const order = menuOrder([
    entry('attach', 'Wait.'),
    entry('edit'),
    entry('extend', 'Wait.'),
    entry('delete'),
  ])
  expect(order).toEqual(['edit', 'delete', 'attach', 'extend'])
  const later = [entry('attach'), entry('edit', 'Wait.'), entry('extend'), entry('delete', 'Wait.')]
  expect(inMenuOrder(later, order).map(({ id }) => id)).toEqual(order)
  expect(inMenuOrder([entry('new'), ...later.slice(1)], order).map(({ id }) => id)).toEqual([
    ...['edit', 'delete', 'extend', 'new'],
  ])
})

test('dangerous entries stand behind the others, and in sight before those that are impossible', () => {
  const danger = (id: string, allowed: true | string = true) => ({ ...entry(id, allowed), danger: true })
  expect(
    menuOrder([
      ...[entry('attach'), danger('write'), entry('edit'), danger('revert', 'Wait.')],
      ...[entry('move', 'Wait.'), danger('delete')],
    ]),
  ).toEqual(['attach', 'edit', 'write', 'delete', 'move', 'revert'])
})
