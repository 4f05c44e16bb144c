import { describe, expect, it } from 'vitest'
import { capacityOf } from './capacity.ts'

describe('capacity', () => {
  const over = { cpuRatio: 4, memoryRatio: 1, memoryReserveMib: 1024, diskRatio: 1 }
  it.each([
    ['an empty machine', { vcpus: 4, memoryMib: 9_216, diskGib: 100, diskFreeGib: 60 }, 0, [16, 8_192, 60]],
    [
      'the disk that instances have claimed counts as available',
      { vcpus: 4, memoryMib: 9_216, diskGib: 100, diskFreeGib: 60 },
      30,
      [16, 8_192, 90],
    ],
    [
      'what was promised and not written is not promised without a bound',
      { vcpus: 4, memoryMib: 9_216, diskGib: 100, diskFreeGib: 15, diskWrittenGib: 5 },
      300,
      [16, 8_192, 80],
    ],
    [
      'never more is promised than the disk has',
      { vcpus: 4, memoryMib: 9_216, diskGib: 100, diskFreeGib: 60, diskWrittenGib: 5 },
      30,
      [16, 8_192, 100],
    ],
    [
      'the capacity is never more than the machine has',
      { vcpus: 1, memoryMib: 9_216, diskGib: 100, diskFreeGib: 99 },
      30,
      [4, 8_192, 100],
    ],
    [
      'a small machine keeps half of its memory',
      { vcpus: 1, memoryMib: 1_000, diskGib: 9, diskFreeGib: 9 },
      0,
      [4, 500, 9],
    ],
  ])('%s', (_what, physical, diskGib, [vcpus, memoryMib, disk]) => {
    expect(capacityOf(physical, { diskGib }, over)).toEqual({ vcpus, memoryMib, diskGib: disk })
  })
})
