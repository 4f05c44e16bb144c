import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultGuestUids, type GuestUids, readGuestUids, takenByOthers } from './guest-uids.ts'

const etc = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-etc-'))
afterAll(() => fs.rmSync(etc, { recursive: true }))

test('a range of user ids is split into an id for the converter, an id for the probe and the ids of guests', () => {
  expect(readGuestUids('300000-300999')).toEqual({
    converter: 300_000,
    probe: 300_001,
    guests: { first: 300_002, last: 300_999 },
  })
  expect(readGuestUids(defaultGuestUids)).toMatchObject({ converter: 2_000_000_000 })
  for (const wrong of ['', '5', '300999-300000', '300000-300050', '0-500', '300000-9999999999', 'a-b'])
    expect(readGuestUids(wrong)).toMatch(/^It is FIRST-LAST/)
})

test('the sentence about a taken range names the user or group that has ids of the range', () => {
  const uids = readGuestUids('300000-300999') as GuestUids
  expect(takenByOthers(uids, etc)).toBeNull()
  fs.writeFileSync(path.join(etc, 'passwd'), 'root:x:0:0::/root:/bin/sh\nanna:x:300500:300500::/:/bin/sh\n')
  expect(takenByOthers(uids, etc)).toContain(`anna has id 300500 in ${etc}/passwd`)
  fs.writeFileSync(path.join(etc, 'passwd'), 'root:x:0:0::/root:/bin/sh\n')
  fs.writeFileSync(path.join(etc, 'group'), 'staff:x:301000:\n')
  fs.writeFileSync(path.join(etc, 'subuid'), 'ben:100000:65536\n')
  expect(takenByOthers(uids, etc)).toBeNull()
  fs.writeFileSync(path.join(etc, 'subgid'), 'ben:296608:65536\n')
  expect(takenByOthers(uids, etc)).toContain(`ben has ids from 296608 on in ${etc}/subgid`)
})
