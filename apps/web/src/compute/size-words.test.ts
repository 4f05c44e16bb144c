import { expect, it } from 'vitest'
import { disksOfFlavor, localDisksText } from './size-words.ts'

it('names the disks of a flavor, and no disk that it does not have', () => {
  expect(localDisksText({ ephemeralGib: 0, swapMib: 0 })).toBe('')
  expect(localDisksText({ ephemeralGib: 2, swapMib: 0 })).toBe('2 GiB ephemeral')
  expect(localDisksText({ ephemeralGib: 0, swapMib: 512 })).toBe('512 MiB swap')
  expect(disksOfFlavor({ diskGib: 20, ephemeralGib: 2, swapMib: 512 })).toBe(
    '20 GiB, 2 GiB ephemeral, 512 MiB swap',
  )
})
