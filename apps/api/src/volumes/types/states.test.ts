import { describe, expect, test } from 'vitest'
import { limitsOf, qosKeys, whyNoLimits } from './states.ts'

describe('the limits of a volume', () => {
  test.each([
    ['plain ones', { total_iops_sec: '500', read_bytes_sec: '0' }, 10, { iopsTotal: 500 }],
    [
      'with bursts',
      { read_bytes_sec: '10', read_bytes_sec_max: '20', write_bytes_sec: '5' },
      1,
      { bpsRead: 10, bpsReadMax: 20, bpsWrite: 5 },
    ],
    ['by its size', { total_iops_sec_per_gb: '10' }, 7, { iopsTotal: 70 }],
    [
      'by its size, instead of a plain one',
      { total_iops_sec: '1', total_iops_sec_per_gb: '10' },
      7,
      { iopsTotal: 70 },
    ],
    [
      'by its size, and at least',
      { total_iops_sec_per_gb: '10', total_iops_sec_per_gb_min: '100' },
      7,
      { iopsTotal: 100 },
    ],
    [
      'by its size, and at most',
      { total_iops_sec_per_gb: '10', total_iops_sec_max: '50' },
      7,
      { iopsTotal: 50 },
    ],
    [
      'with the size of an operation',
      { read_iops_sec: '9', size_iops_sec: '4096' },
      1,
      { iopsRead: 9, iopsSize: 4096 },
    ],
    ['notes', { color: 'red' }, 1, {}],
  ])('%s', (_what, specs, sizeGib, limits) => {
    expect(whyNoLimits(specs)).toBeNull()
    expect(limitsOf(specs, sizeGib)).toEqual(limits)
  })

  test('stay within the bounds of QEMU for the largest volume with the largest number of each key', () => {
    for (const key of qosKeys) {
      const sentence = whyNoLimits({ [key]: '9'.repeat(16) })
      expect(sentence, key).toMatch(/is a whole number from 0 to|is at most|needs/)
    }
    const largest = { total_bytes_sec_per_gb: String(Math.floor(1e15 / 65_536)) }
    expect(whyNoLimits(largest)).toBeNull()
    expect(limitsOf(largest, 65_536).bpsTotal).toBeLessThanOrEqual(1e15)
  })

  test.each([
    ['total and read', { total_iops_sec: '1', read_iops_sec: '1' }, /Either total_iops_sec/],
    [
      'total and write by size',
      { total_bytes_sec: '1', write_bytes_sec_per_gb: '1' },
      /Either total_bytes_sec/,
    ],
    ['words', { total_iops_sec: 'many' }, /whole number/],
    ['a negative number', { total_iops_sec: '-1' }, /whole number/],
    ['too much by size', { total_iops_sec_per_gb: '99999999999999' }, /at most 15258789062/],
    ['a burst of nothing', { total_iops_sec_max: '5' }, /total_iops_sec_max needs total_iops_sec/],
    ['a burst below the limit', { total_iops_sec: '9', total_iops_sec_max: '5' }, /at least total_iops_sec/],
    ['a least without a size', { total_iops_sec_per_gb_min: '5' }, /needs total_iops_sec_per_gb/],
    [
      'an operation’s size alone',
      { size_iops_sec: '4096', total_bytes_sec: '1' },
      /needs a limit of operations/,
    ],
  ])('are refused that QEMU would refuse: %s', (_what, specs, sentence) => {
    expect(whyNoLimits(specs)).toMatch(sentence)
  })
})
