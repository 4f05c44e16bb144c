import { expect, test } from 'vitest'
import { blockOf, type Mark, markBytes, markIn, markOn, slots } from './lun-mark.ts'

const mark: Mark = { number: 3, pool: 'p', state: 'volume', id: 'v', sizeBytes: 5 }

test('a mark comes back from its block, and what is damaged or of another kind is no mark', () => {
  for (const size of [512, 4096]) {
    const block = blockOf(mark, size)
    expect(block.length).toBe(size)
    expect(markIn(block)).toEqual(mark)
    for (const at of [0, 20, 60]) {
      const wrong = Buffer.from(block)
      wrong[at] = (wrong[at] ?? 0) ^ 1
      expect(markIn(wrong)).toBeNull()
    }
  }
  expect(markIn(Buffer.alloc(512))).toBeNull()
  const host = 'h'.repeat(400)
  expect(() => blockOf({ ...mark, by: { host } }, 512)).toThrow(/The name of the host h+ is too long/)
})

test('every mark that we write fits into a block of 512 bytes with a name of 60 letters', () => {
  const [id, host] = [crypto.randomUUID(), 'h'.repeat(60)]
  const volume = { number: 1e9, pool: id, id, sizeBytes: 2 ** 50, edition: 99, copyId: id, at: 2 ** 50 }
  expect(blockOf({ ...volume, state: 'volume', by: { host, backup: id } }, 512).length).toBe(512)
})

test('the mark with the higher number holds, and the next one takes the place of the other', () => {
  const begin = (...marks: (Mark | null)[]) => {
    const bytes = Buffer.alloc(markBytes)
    for (const [index, one] of marks.entries()) if (one) blockOf(one, 512).copy(bytes, slots[index])
    return markOn(bytes, 512)
  }
  expect(begin(null, null)).toMatchObject({ mark: null, next: { at: slots[1] } })
  expect(begin(mark, null)).toMatchObject({ mark: { number: 3 }, next: { at: slots[1] } })
  expect(begin(mark, { ...mark, number: 4 })).toMatchObject({ mark: { number: 4 }, next: { at: slots[0] } })
  expect(begin(null, mark)).toMatchObject({ mark: { number: 3 }, next: { at: slots[0] } })
})
