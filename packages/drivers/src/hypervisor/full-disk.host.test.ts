import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writingGuestDisk } from './boot-sector.ts'
import { op, plainSpec, until } from './conformance-world.ts'
import { diskIsFull, fullDiskPatience } from './full-disk.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'

/** A small file system, which the guest's disk fills. */
let small: string
let harness: QemuHarness
const { lookEveryMs } = fullDiskPatience
beforeEach(async () => {
  fullDiskPatience.lookEveryMs = 200
  small = fs.mkdtempSync('/var/tmp/strato-full-')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=711', 'tmpfs', small])
  harness = await qemuHarness({ diskPathOf: (_id, diskId) => path.join(small, `${diskId}.img`) })
})
afterEach(async () => {
  fullDiskPatience.lookEveryMs = lookEveryMs
  await harness.destroy()
  execFileSync('umount', [small])
  fs.rmdirSync(small)
})

const mib = 1024 ** 2
/** A guest that writes to 512 places of its disk, for which the file system has room for half a MiB. */
async function aWritingGuest(): Promise<string> {
  const id = randomUUID()
  const disk = path.join(small, `${id}.img`)
  fs.writeFileSync(disk, writingGuestDisk())
  fs.truncateSync(disk, 64 * mib)
  fs.writeFileSync(path.join(small, 'ballast'), Buffer.alloc(22.5 * mib))
  const disks = [{ id, path: disk, format: 'raw' as const, boot: true }]
  await harness.driver.ensure(op, { ...plainSpec(id), disks })
  return id
}
const seen = async (id: string) => {
  const { power, reason } = (await harness.driver.get(op, id)) ?? {}
  return { power, reason }
}
const isPaused = async (id: string) => (await seen(id)).power === 'paused'

it('a guest that finds the disk full is paused with the reason, and goes on when there is room', async () => {
  const id = await aWritingGuest()
  await until(() => isPaused(id), 30_000)
  expect(await seen(id)).toEqual({ power: 'paused', reason: diskIsFull })
  // The reason is found again by another agent.
  await harness.abandon()
  await harness.reopen()
  expect(await seen(id)).toEqual({ power: 'paused', reason: diskIsFull })
  execFileSync('mount', ['-o', 'remount,size=96m', small])
  await until(async () => (await seen(id)).power === 'running', 10_000)
  expect(await seen(id)).toEqual({ power: 'running', reason: null })
  const disk = path.join(small, `${id}.img`)
  // A page for each of the places.
  await until(() => fs.statSync(disk).blocks * 512 > 2 * mib, 30_000)
})

it('a guest that somebody has paused stays paused when there is room', async () => {
  const id = await aWritingGuest()
  await until(() => isPaused(id), 30_000)
  await harness.driver.pause(op, id)
  // Another agent knows this, too.
  await harness.abandon()
  await harness.reopen()
  execFileSync('mount', ['-o', 'remount,size=96m', small])
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(await seen(id)).toEqual({ power: 'paused', reason: null })
  await harness.driver.unpause(op, id)
  expect((await seen(id)).power).toBe('running')
})
