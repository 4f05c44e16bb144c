import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testGuestDisk, writingGuestDisk, writingGuestPlaces } from './boot-sector.ts'
import { op, plainSpec, until } from './conformance-world.ts'
import type { InstanceSpec } from './interface.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'

const mib = 1024 ** 2
let harness: QemuHarness
beforeAll(async () => {
  harness = await qemuHarness({ diskPathOf: (id) => join(harness.dir, `${id}.qcow2`) })
})
afterAll(() => harness.destroy())

const tool = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' })
/** The bytes that a guest would read: the whole chain of images as one raw file. */
function bytesOf(file: string, base?: string): Buffer {
  const raw = `${file}.raw`
  const node = {
    driver: 'qcow2',
    file: { driver: 'file', filename: file },
    backing: base ? { driver: 'raw', file: { driver: 'file', filename: base } } : null,
  }
  tool('qemu-img', 'convert', '-U', '-O', 'raw', `json:${JSON.stringify(node)}`, raw)
  return readFileSync(raw)
}

/** A running guest on an overlay (64 MiB) over a base that is all "B" behind the boot sector. */
async function guestOnOverlay(
  sector = testGuestDisk(),
): Promise<{ spec: InstanceSpec; disk: string; base: string }> {
  const id = crypto.randomUUID()
  const base = join(harness.dir, `${id}.raw`)
  writeFileSync(base, Buffer.concat([sector.subarray(0, 512), Buffer.alloc(8 * mib - 512, 'B')]))
  const disk = join(harness.dir, `${id}.qcow2`)
  tool('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, disk, '64M')
  // The overlay has data over the base, zeros over the base (which must not show the base again) and data beyond it.
  tool(
    'qemu-io',
    '-f',
    'qcow2',
    '-c',
    'write -P 0x41 1M 1M',
    '-c',
    'write -z 2M 1M',
    '-c',
    'discard 3M 1M',
    '-c',
    'write -P 0x43 20M 12M',
    disk,
  )
  symlinkSync(base, `${disk}.base`)
  const spec = { ...plainSpec(id), disks: [{ id, path: disk, format: 'qcow2' as const, boot: true }] }
  await harness.driver.ensure(op, spec)
  if (sector.equals(testGuestDisk())) await harness.booted(id)
  return { spec, disk, base }
}

test('a disk in use is copied while the guest goes on, and dropCopy leaves nothing of the copy', async () => {
  const { spec, disk, base } = await guestOnOverlay()
  const events: string[] = []
  const stop = harness.driver.subscribe((event) => events.push(event.power))
  const said: string[] = []
  const copy = await harness.driver.backup.copyDisk(
    { ...op, progress: (text) => said.push(text) },
    spec.id,
    spec.id,
  )
  stop()
  expect(events).toEqual([])
  expect(await harness.driver.get(op, spec.id)).toMatchObject({ power: 'running' })
  expect(said.at(-1)).toMatch(/^\d+ %$/)
  expect(Date.now() - Date.parse(copy.at)).toBeLessThan(60_000)
  const { uid: owner, mode } = statSync(copy.path)
  expect([owner, mode & 0o777]).toEqual([0, 0o600])
  // The copy holds the overlay alone and names its base; together with the base it is what the guest sees.
  const info = JSON.parse(tool('qemu-img', 'info', '--output=json', copy.path))
  expect(info).toMatchObject({ 'backing-filename': base, 'backing-filename-format': 'raw' })
  expect(statSync(copy.path).size).toBeLessThan(18 * mib)
  expect(bytesOf(copy.path, base).equals(bytesOf(disk, base))).toBe(true)
  expect(
    bytesOf(copy.path)
      .subarray(4 * mib, 5 * mib)
      .every((byte) => byte === 0),
  ).toBe(true)

  await harness.driver.backup.dropCopy(op, spec.id, spec.id)
  await harness.driver.backup.dropCopy(op, spec.id, spec.id)
  expect(existsSync(copy.path)).toBe(false)
  await harness.driver.stop(op, spec.id)
  await expect(harness.driver.backup.copyDisk(op, spec.id, spec.id)).rejects.toMatchObject({
    code: 'conflict',
  })
})

test('a copy that was cancelled, or whose agent died, can be made again, and removing the guest removes the copy', async () => {
  const { spec } = await guestOnOverlay()
  const home = join(harness.dir, 'instances', spec.id)
  const over = new AbortController()
  const given = harness.driver.backup.copyDisk(
    { ...op, signal: over.signal, progress: () => over.abort() },
    spec.id,
    spec.id,
  )
  await expect(given).rejects.toMatchObject({ code: 'unavailable' })
  expect(readdirSync(home).filter((name) => name.startsWith('copy-'))).toEqual([])

  const dying = harness.driver.backup.copyDisk(op, spec.id, spec.id).catch(() => 'cut off')
  await until(() => readdirSync(home).some((name) => name.startsWith('copy-')), 10_000)
  await sleep(30)
  await harness.abandon()
  await dying
  const driver = await harness.reopen()
  expect(await driver.get(op, spec.id)).toMatchObject({ power: 'running' })
  const copy = await driver.backup?.copyDisk(op, spec.id, spec.id)
  expect(existsSync(copy?.path ?? '')).toBe(true)
  await driver.remove(op, spec.id)
  expect(await harness.leftovers(spec.id)).toEqual([])
})

test('a copy of a disk that the guest writes to all the time shows a single moment', async () => {
  const { spec, disk, base } = await guestOnOverlay(writingGuestDisk())
  const log = join(harness.dir, 'instances', spec.id, 'serial.log')
  await until(() => readFileSync(log, 'latin1').includes('boot '), 30_000)
  const numbers = (bytes: Buffer) =>
    writingGuestPlaces.map((place) => bytes.readUInt32LE(place)).sort((a, b) => a - b)
  const isOneMoment = (all: number[]) =>
    all.every((number, at) => at === 0 || number === (all[at - 1] ?? 0) + 1)
  // The guest has written to all places once, so that every place holds a number.
  await until(() => (numbers(bytesOf(disk, base))[0] ?? 0) > 0, 120_000)
  const highest = (bytes: Buffer) => numbers(bytes).at(-1) ?? 0
  const copy = await harness.driver.backup.copyDisk(op, spec.id, spec.id)
  const taken = numbers(bytesOf(copy.path, base))
  expect(taken[0]).toBeGreaterThan(0)
  expect(isOneMoment(taken)).toBe(true)
  // The guest goes on writing after the copy.
  await until(() => highest(bytesOf(disk, base)) > (taken.at(-1) ?? 0), 30_000)
  await harness.driver.remove(op, spec.id)
})
