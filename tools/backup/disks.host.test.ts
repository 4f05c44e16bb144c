import fs from 'node:fs'
import path from 'node:path'
import { recordBase } from '@stratolith/drivers/disk-base'
import { DriverError } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backUpDisk, faultOf, type HostDisk, LeftOut, mostOf } from './disks.ts'
import { Progress } from './progress.ts'
import { openTarget } from './target.ts'

const gib = 1024 ** 3
const never = async () => false
let work = ''
beforeEach(() => {
  work = fs.mkdtempSync('/var/tmp/stratolith-disks-')
})
afterEach(() => fs.rmSync(work, { recursive: true, force: true }))

async function disk(hypervisor: Partial<HostDrivers['hypervisor']>, listDisks = async () => [{}]) {
  const id = crypto.randomUUID()
  const file = path.join(work, `disk-${id}.qcow2`)
  fs.writeFileSync(file, 'bytes of a disk')
  await recordBase(file, null)
  return {
    host: { id, name: 'here', endpoint: '' },
    drivers: { hypervisor, storage: { listDisks } } as unknown as HostDrivers,
    disk: { id, instanceId: id, path: file, format: 'qcow2', sizeBytes: gib },
    most: gib,
  } satisfies HostDisk
}
const target = () => openTarget(path.join(work, 'backups'), path.join(work, 'data'), 'ctest')
const off = { get: async () => null }

test('a disk file that its QEMU has made too long is refused by name, before and while it is read', async () => {
  const into = target()
  const one = await disk(off)
  const fine = await disk(off)
  expect([faultOf(one), faultOf(fine)]).toEqual([null, null])
  fs.truncateSync(one.disk.path, 2 ** 42)
  expect(faultOf(one)).toBe(
    `${one.disk.path} is 4096.00 GiB long and can be 1.00 GiB at most: the guest’s QEMU has stretched it and may have been taken over.`,
  )
  const progress = new Progress('Disks', 0)
  await expect(backUpDisk(into, one, never, progress)).rejects.toThrow(LeftOut)
  expect(await backUpDisk(into, fine, never, progress)).toMatchObject({ diskId: fine.disk.id, live: false })
  expect([...into.journal.files.keys()]).toEqual([`disks/here/${fine.disk.id}/${fine.disk.id}.qcow2`])
  into.unlock()
})

test('an ephemeral or swap disk may be as long as its own size makes it, and not as its root disk', () => {
  const id = crypto.randomUUID()
  const instance = { diskGib: 1, localDisks: [{ id, sizeMib: 100 * 1024 }] }
  expect(mostOf(instance, id)).toBeGreaterThan(100 * gib)
  expect(mostOf(instance, crypto.randomUUID())).toBeLessThan(2 * gib)
  expect(mostOf({}, id)).toBeNull()
})

test('a guest whose copy fails is left out when its host answers, and otherwise the backup ends', async () => {
  const into = target()
  const silent = async () => {
    throw new DriverError('unavailable', 'silent')
  }
  const progress = new Progress('Disks', 0)
  const guest = await disk({ get: silent })
  await expect(backUpDisk(into, guest, never, progress)).rejects.toThrow(LeftOut)
  const host = await disk({ get: silent }, silent)
  await expect(backUpDisk(into, host, never, progress)).rejects.toThrow(DriverError)
  into.unlock()
})
