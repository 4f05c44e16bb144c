import { expect, test } from 'vitest'
import type { IscsiSession } from './iscsi-session.ts'
import { disksOf } from './scsi.ts'

test('a LUN that a target tells of in both ways of addressing is one disk', async () => {
  const addresses = [
    [0, 1],
    [0x40, 1],
    [0, 2],
  ]
  const list = Buffer.alloc(8 + 8 * addresses.length)
  list.writeUInt32BE(8 * addresses.length)
  for (const [index, address] of addresses.entries()) list.set(address, 8 + 8 * index)
  const capacity = Buffer.alloc(32)
  capacity.writeBigUInt64BE(1023n)
  capacity.writeUInt32BE(512, 8)
  const session: IscsiSession = {
    run: async ({ cdb }) => (cdb[0] === 0xa0 ? list : cdb[0] === 0x9e ? capacity : Buffer.alloc(36)),
    close: async () => undefined,
  }
  expect((await disksOf(session)).disks.map(({ number }) => number)).toEqual([1, 2])
})
