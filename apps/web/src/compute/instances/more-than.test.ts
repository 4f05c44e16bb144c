import { expect, test } from 'vitest'
import { moreThan } from './more-than.ts'

test('a detail that says the same as its message is not shown again', () => {
  const message = 'No host has room for it.'
  expect(moreThan(message, null)).toBeNull()
  expect(moreThan(message, message)).toBeNull()
  expect(moreThan(message, 'No host has room for it')).toBeNull()
  expect(moreThan(message, `${message} vm: 316 MiB short`)).toBe('vm: 316 MiB short')
  expect(moreThan(message, 'qemu-img: exit code 1')).toBe('qemu-img: exit code 1')
})
