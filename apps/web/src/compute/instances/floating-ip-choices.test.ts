import { expect, test } from 'vitest'
import { freeAddresses, newOne, sources } from './floating-ip-choices.ts'

const address = (portId: string, last: number, floatingIp: string | null = null) => ({
  ...{ portId, address: `10.0.0.${last}`, networkName: 'net', floatingIp },
})

test('only ports without a floating IP are offered, each once, in order', () => {
  expect(
    freeAddresses([address('a', 1), address('b', 2, '172.24.4.9'), address('c', 3), address('c', 4)]),
  ).toEqual([
    { value: 'a', label: '10.0.0.1 (net)' },
    { value: 'c', label: '10.0.0.3 (net)' },
  ])
  expect(freeAddresses([address('b', 2, '172.24.4.9'), address('b', 5)])).toEqual([])
})

test('an unused floating IP of the project comes before a new one', () => {
  const own = [
    { id: 'used', address: '172.24.4.1', portId: 'p', networkName: 'public' },
    { id: 'free', address: '172.24.4.2', portId: null, networkName: 'public' },
  ]
  const choices = sources(own, [{ id: 'ext', name: 'public' }])
  expect(choices.map(({ label }) => label)).toEqual(['172.24.4.2 (public)', 'A new one of public'])
  expect(choices.map(({ value }) => newOne(value))).toEqual([null, 'ext'])
})
