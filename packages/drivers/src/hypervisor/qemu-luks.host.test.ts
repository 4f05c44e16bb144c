import { randomBytes, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVolumeFiles } from '../volumes/files.ts'
import type { LocalVolumeDriver } from '../volumes/interface.ts'
import { keysFolder } from '../volumes/keys.ts'
import { op, plainSpec } from './conformance-world.ts'
import { type QemuHarness, qemuHarness } from './qemu.testing.ts'
import { connectQmp } from './qmp.ts'

const pool = { driver: 'files' as const, id: 'local' }
const gib = 1024 ** 3
let harness: QemuHarness
let volumes: LocalVolumeDriver
let dir: string
let keysDir: string
beforeEach(async () => {
  dir = fs.mkdtempSync('/var/tmp/strato-luks-')
  fs.chmodSync(dir, 0o711)
  keysDir = keysFolder('test', randomUUID())
  volumes = createVolumeFiles({
    ...{ dir, keysDir, imagesDir: path.join(dir, 'images') },
    baseOf: async () => null,
    withGuest: (...work) => harness.driver.withGuest(...work),
  })
  harness = await qemuHarness({ volumes })
})
afterEach(async () => {
  await harness.destroy()
  for (const folder of [dir, keysDir]) fs.rmSync(folder, { recursive: true })
})

const newKey = () => randomBytes(32).toString('base64')

async function aVolume(key: string) {
  const volume = { id: randomUUID(), pool }
  const encryption = { key, keyBits: 512 as const }
  while (!(await volumes.ensureVolume(op, { ...volume, sizeGib: 1, source: null, encryption })));
  return { ...volume, readOnly: false, encrypted: true as const }
}
const give = (id: string, key: string) => volumes.giveKeys(op, { keys: [{ id, key }] })

/** Asks the QEMU of a guest directly, while no driver is connected to it. */
async function ask(id: string, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  await harness.abandon()
  const qmp = await connectQmp(path.join(harness.dir, 'instances', id, 'run'), 5_000, {
    onEvent: () => undefined,
    onClose: () => undefined,
  })
  try {
    return await qmp.execute(command, args)
  } finally {
    qmp.close()
    await harness.reopen()
  }
}
const nodeOf = (id: string) => `v${id.replaceAll('-', '').slice(0, 24)}`
/** Writes or reads as the guest would. */
const io = async (id: string, volume: { id: string }, command: string) =>
  String(
    await ask(id, 'human-monitor-command', { 'command-line': `qemu-io ${nodeOf(volume.id)} "${command}"` }),
  )
const nodesOf = async (id: string, volume: { id: string }) =>
  ((await ask(id, 'query-named-block-nodes', { flat: true })) as { 'node-name': string }[])
    .map((node) => node['node-name'])
    .filter((name) => name.startsWith(nodeOf(volume.id)) && !/\d+f$/.test(name))
    .map((name) => name.slice(nodeOf(volume.id).length))
    .toSorted()

/** The names of all layers of the volume in which a run of that byte is found. */
function filesWith(volume: { id: string }, byte: number): string[] {
  const data = path.join(dir, 'volumes/local/data', volume.id)
  const run = Buffer.alloc(64, byte)
  return fs.readdirSync(data).filter((name) => {
    const file = path.join(data, name)
    // Only the first part of a raw layer is written in these tests; the rest is a hole.
    const bytes = Buffer.alloc(Math.min(fs.statSync(file).size, 16 * 1024 ** 2))
    const handle = fs.openSync(file, 'r')
    fs.readSync(handle, bytes)
    fs.closeSync(handle)
    return bytes.includes(run)
  })
}

it('gives a running guest an encrypted volume, whose files have ciphertext alone, through snapshots, merges and growth', async () => {
  const id = randomUUID()
  const key = newKey()
  const volume = await aVolume(key)
  await harness.driver.ensure(op, { ...plainSpec(id), ...(await harness.prepare(id)) })
  await harness.booted(id)
  const plug = () => harness.driver.plug(op, id, { nics: [], volumes: [volume] })
  // An agent of before encryption finds no layers, so that it does not open the volume as a plain one.
  const manifest = path.join(dir, 'volumes/local/data', volume.id, 'volume.json')
  expect(Object.keys(JSON.parse(fs.readFileSync(manifest, 'utf8')))).not.toContain('layers')
  const plain = { id: randomUUID(), pool }
  await volumes.ensureVolume(op, { ...plain, sizeGib: 1, source: null })
  const wrong = volumes.openVolume(op, { ...plain, encrypted: true }, { id, uid: 1 })
  await expect(wrong).rejects.toMatchObject({ code: 'failed' })
  await expect(plug()).rejects.toMatchObject({ code: 'unavailable' })
  await give(volume.id, newKey())
  await expect(plug()).rejects.toMatchObject({ code: 'conflict' })
  await give(volume.id, key)
  expect(await plug()).toEqual([])
  expect(await nodesOf(id, volume)).toEqual(['', '-0', '-luks'])
  // Only root and the user of the guest reach the key, which is no argument of QEMU.
  const copy = path.join(keysDir, 'open', id, volume.id)
  const uid = fs.statSync(`/proc/${await harness.pidOf(id)}`).uid
  expect(fs.statSync(copy)).toMatchObject({ uid, mode: 0o100600 })
  expect(fs.statSync(path.join(keysDir, 'keys')).mode & 0o777).toBe(0o700)

  const snapshots = [1, 2, 3, 4].map(() => ({ id: randomUUID(), volumeId: volume.id, pool }))
  for (const [index, snapshot] of snapshots.entries()) {
    expect(await io(id, volume, `write -P ${0xa0 + index} ${index}M 1M`)).not.toMatch(/error|fail/i)
    await volumes.ensureSnapshot(op, snapshot)
  }
  expect(await volumes.growVolume(op, { id: volume.id, pool, sizeGib: 2 })).toMatchObject({
    sizeBytes: 2 * gib,
  })
  await io(id, volume, `write -P 0xa4 ${2 * gib - 1024 ** 2} 1M`)
  for (const snapshot of snapshots) await volumes.removeSnapshot(op, snapshot)
  expect((await volumes.mergeLayers(op, volume)).mergeable).toBe(0)
  expect(await nodesOf(id, volume)).toEqual(['', '-0', '-3', '-4', '-luks'])
  const reads = async () => {
    for (const [index, at] of [0, 1, 2, 3].map((n) => [n, n * 1024 ** 2] as const))
      expect(await io(id, volume, `read -P ${0xa0 + index} ${at} 1M`)).not.toContain('verification failed')
    expect(await io(id, volume, `read -P 0xa4 ${2 * gib - 1024 ** 2} 1M`)).not.toContain(
      'verification failed',
    )
  }
  for (const byte of [0xa0, 0xa1, 0xa2, 0xa3, 0xa4]) expect(filesWith(volume, byte)).toEqual([])

  // A new start opens the layers that the merge has left, and so does a start after the machine forgot all keys.
  await harness.driver.stop(op, id)
  fs.rmSync(keysDir, { recursive: true })
  await expect(harness.driver.start(op, id)).rejects.toMatchObject({ code: 'unavailable' })
  await give(volume.id, key)
  await harness.driver.start(op, id)
  await harness.booted(id)
  expect(fs.readFileSync(`/proc/${await harness.pidOf(id)}/cmdline`, 'utf8')).not.toContain(key)
  await reads()

  await harness.driver.stop(op, id)
  expect(await harness.driver.plug(op, id, { nics: [], volumes: [] })).toEqual([])
  expect(fs.existsSync(copy)).toBe(false)
  expect(fs.readdirSync(path.join(keysDir, 'keys'))).toEqual([])
  await volumes.mergeLayers(op, volume)
  await give(volume.id, key)
  await harness.driver.plug(op, id, { nics: [], volumes: [volume] })
  await harness.driver.start(op, id)
  await reads()
})
