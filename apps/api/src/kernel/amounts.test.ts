import { expect, test } from 'vitest'
import { diskText, memoryText, partText, vcpuText } from './amounts.ts'

test('amounts have the units of the portal’s columns', () => {
  expect([196, 1024, 1536, 3900, 51_200, 900_000, 1024 ** 2].map(memoryText)).toEqual([
    ...['196 MiB', '1 GiB', '1.5 GiB', '3.8 GiB', '50 GiB', '879 GiB', '1 TiB'],
  ])
  expect([0, 77, 1536].map(diskText)).toEqual(['0 GiB', '77 GiB', '1.5 TiB'])
})

test('a unit that two amounts share is written once', () => {
  expect(partText(3900, 4096, memoryText)).toBe('3.8 of 4 GiB')
  expect(partText(512, 4096, memoryText)).toBe('512 MiB of 4 GiB')
  expect(partText(4, 4, vcpuText)).toBe('4 of 4 vCPU')
  expect(partText(3, 10, String)).toBe('3 of 10')
})
