import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { backgroundOp } from '../op.ts'
import { diskTrash } from './disk-trash.ts'

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-disk-trash-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
const op = backgroundOp(pino({ level: 'silent' }))

test('a disk can be taken back again after the call was cut off between the disks of its guest', async () => {
  const [id, swap] = [crypto.randomUUID(), crypto.randomUUID()]
  const placeOf = (disk: { id: string }) => path.join(dir, 'instances', id, `disk-${disk.id}.qcow2`)
  fs.mkdirSync(path.join(dir, 'trash'), { recursive: true })
  // The root disk was put into the trash twice.
  const trashed = {
    [`${id}.${id}@1000`]: 'older',
    [`${id}.${id}@2000`]: 'root',
    [`${swap}.${id}@3000`]: 'swap',
  }
  for (const [name, text] of Object.entries(trashed)) fs.writeFileSync(path.join(dir, 'trash', name), text)
  const guest = { instanceId: id, name: 'web', projectId: 'p', told: '{}' }
  let asked = 0
  const trash = diskTrash({
    dir,
    findDisks: async () => [],
    diskPath(disk) {
      // The place of each disk is asked for when the driver looks whether it is there, and when the disk comes back.
      asked += 1
      if (asked === failsAt) throw new Error('EIO')
      return placeOf(disk)
    },
  })
  let failsAt = 0
  await trash.keepGuest(op, guest)
  for (failsAt = 1; ; failsAt += 1) {
    asked = 0
    const answer = await trash.takeBack(op, id).catch((error: Error) => error.message)
    if (answer !== 'EIO') {
      expect(answer).toEqual(guest)
      break
    }
  }
  // The driver was cut off at several moments, also after the first disk had come back.
  expect(failsAt).toBeGreaterThan(4)
  expect(fs.readFileSync(placeOf({ id }), 'utf8')).toBe('root')
  expect(fs.readFileSync(placeOf({ id: swap }), 'utf8')).toBe('swap')
  expect((await trash.list(op)).map((one) => one.id)).toEqual([id])
})
