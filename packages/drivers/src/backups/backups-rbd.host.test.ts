import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { aHost, root, uids, withCeph } from '../volumes/rbd.testing.ts'
import type { RbdVolumes } from '../volumes/rbd.ts'
import { backupConformance } from './conformance.ts'
import { backupBytesConformance, backupTools } from './conformance-bytes.ts'
import { createFolderStore } from './folder-store.ts'

const mib = 1024 ** 2
const world = withCeph()
let volumes: RbdVolumes
beforeAll(() => {
  volumes = aHost('one')
})
const storeDir = path.join(root, 'store')
const store = createFolderStore(storeDir, path.join(root, 'backup-store.json'))
const folder = path.join(root, 'one/from-ceph')
const bench = () => ({
  ...{ volumes, store, storeDir, pool: world.ceph.pool, uid: uids.guests.first },
  kept: () => fs.readdirSync(folder),
})
const tools = backupTools(bench)
const { op, aVolume, io, write, expectBytes, specOf, made, parentOf, restored, remove } = tools
const snapshotsOf = ({ id }: { id: string }): string[] => {
  const all: { name: string }[] = JSON.parse(
    world.ceph.rbd('snap', 'ls', '--all', '--format', 'json', `volumes/volume-${id}`),
  )
  return all.map(({ name }) => name)
}

describe('backups of volumes in Ceph', () => {
  backupConformance(() => ({
    ...{ driver: tools.driverOf(volumes), volumes, op: op(), pool: world.ceph.pool },
    ...{ store: { driver: 'folder', id: 'local' }, uid: uids.guests.first },
  }))
  backupBytesConformance(bench)

  test('the snapshot of the last backup is kept until the next one, until the backup is removed, or its volume', async () => {
    const volume = await aVolume()
    await write(volume, 0, mib, 1)
    const first = await made(specOf(volume))
    expect(snapshotsOf(volume)).toEqual([`backup-${first.id}`])
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    expect(snapshotsOf(volume)).toEqual([`backup-${second.id}`])
    await remove(second)
    expect(snapshotsOf(volume)).toEqual([])
    const third = await made(specOf(volume, { parent: parentOf(first) }))
    expect(snapshotsOf(volume)).toEqual([`backup-${third.id}`])
    await volumes.removeVolume(op(), volume)
    expect(world.ceph.rbd('ls', 'volumes')).not.toContain(volume.id)
  })

  test('when the snapshot of the last backup is gone, the next one reads everything and says so', async () => {
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 1)
    const first = await made(specOf(volume))
    world.ceph.rbd('snap', 'rm', `volumes/volume-${volume.id}@backup-${first.id}`)
    await write(volume, 4 * mib, mib, 2)
    const told: string[] = []
    const second = await made(specOf(volume, { parent: parentOf(first) }), told)
    expect(told.at(-1)).toContain('Ceph does not have the snapshot of the earlier backup any more')
    expect(second.chunks).toBe(1)
    const copy = await restored(second)
    await expectBytes(copy, [0, 4 * mib, 1], [4 * mib, mib, 2], [5 * mib, 3 * mib, 1])
  })

  test.each([
    ['without a table of changed objects', ['--image-feature', 'layering,exclusive-lock'], null],
    ['in large objects', ['--object-size', '8M'], null],
    ['in small objects', ['--object-size', '1M'], /have a size with which Ceph does not tell/],
  ])('a further backup of a volume %s is right', async (_, words, reason) => {
    const volume = { id: crypto.randomUUID(), pool: world.ceph.pool }
    world.ceph.rbd('create', '--size', '1G', ...words, `volumes/volume-${volume.id}`)
    await write(volume, 0, 40 * mib, 1)
    const first = await made(specOf(volume))
    await write(volume, 13 * mib, mib, 2)
    await io(volume, `write -z ${16 * mib} ${8 * mib}`, `discard ${32 * mib} ${8 * mib}`)
    const told: string[] = []
    const second = await made(specOf(volume, { parent: parentOf(first) }), told)
    if (reason) expect(told.at(-1)).toMatch(reason)
    else expect(told.join()).not.toContain('reading everything')
    await tools.expectSame(await restored(second), volume)
  })

  test('a further backup brings to its host what has changed, and not the volume', async () => {
    const volume = await aVolume()
    await write(volume, 0, 200 * mib, 1)
    const first = await made(specOf(volume))
    await write(volume, 21 * mib, 4096, 2)
    const key = { id: crypto.randomUUID(), volumeId: volume.id, pool: world.ceph.pool }
    const frozen = await volumes.openFrozen(op(), { ...key, snapshotId: null, parentId: first.id })
    const { size } = fs.statSync(path.join(folder, `frozen-${key.id}`))
    expect(size).toBeLessThan(5 * mib)
    expect(await frozen.hasChanged(20 * mib, 4 * mib)).toBe(true)
    expect(await frozen.hasChanged(24 * mib, 200 * mib)).toBe(false)
    await expect(frozen.read(24 * mib, 4 * mib)).rejects.toMatchObject({ code: 'failed' })
    await frozen.close()
    // Another agent goes on with what is whole, and not with the rest.
    for (const name of ['frozen-half', 'read-x', 'received-x', 'refill-x', 'export-x'])
      fs.writeFileSync(path.join(folder, name), 'left')
    await volumes.close()
    volumes = aHost('one')
    const again = await volumes.openFrozen(op(), { ...key, snapshotId: null, parentId: first.id })
    expect((await again.read(20 * mib, 4 * mib))?.[mib]).toBe(2)
    await again.close()
    expect(fs.readdirSync(folder).sort()).toEqual([`frozen-${key.id}`, `frozen-${key.id}.json`])
    await volumes.dropFrozen(op(), key, false)
    expect(fs.readdirSync(folder)).toEqual([])
    expect(snapshotsOf(volume)).toEqual([`backup-${first.id}`])
  })
})
