import { expect, it } from 'vitest'
import type { HostDocument } from './interface.ts'
import { partsOf } from './parts.ts'

const document = (kind: string, id: number, body: unknown = null) =>
  ({ kind, id: `${id}`, generation: 1, body }) as HostDocument
const set = (bytes: number) => ({ id: 'set', addresses: ['x'.repeat(bytes)] })

it('documents that fit into one call are told in one call and in their own order', () => {
  const few = [document('port', 1), document('instance', 2, {}), document('network', 3, {})]
  expect(partsOf(few)).toEqual([few])
})

it('documents that are too big or too much work for one call are told in several calls, in the order of need', () => {
  const mib = 1024 * 1024
  const big = [1, 2, 3, 4].map((n) => document('addressSet', n, set(2 * mib - 1000)))
  const huge = document('addressSet', 5, set(9 * mib))
  expect(partsOf([...big, huge]).map((part) => part.map(({ id }) => id))).toEqual([
    ['1', '2'],
    ['3', '4'],
    ['5'],
  ])
  const many = [
    ...Array.from({ length: 60 }, (_, n) => document('port', n)),
    ...Array.from({ length: 60 }, (_, n) => document('instance', n, {})),
    ...Array.from({ length: 60 }, (_, n) => document('port', n, {})),
    document('instance', 99),
    document('router', 1, {}),
    document('network', 1, {}),
  ]
  const parts = partsOf(many)
  // A guest counts as five documents.
  expect(parts.map((part) => part.length)).toEqual([69, 20, 20, 44, 30])
  const order = parts.flat().map(({ kind, body }) => `${kind} ${body ? 'there' : 'gone'}`)
  expect([...new Set(order)]).toEqual([
    'network there',
    'port there',
    'router there',
    'instance gone',
    'instance there',
    'port gone',
  ])
})
