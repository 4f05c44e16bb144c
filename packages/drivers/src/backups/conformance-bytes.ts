import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { volumeNodeOf } from '../hypervisor/volume-node.ts'
import { backgroundOp, type Op } from '../op.ts'
import type { LocalVolumeDriver, OpenedVolume, PoolSpec } from '../volumes/interface.ts'
import { type BackupOptions, createBackups } from './engine.ts'
import type { BackupDriver, BackupSpec, ObservedBackup } from './interface.ts'
import type { BackupStore } from './store.ts'

export type BackupBytesBench = {
  volumes: LocalVolumeDriver
  /** The store `local`, and the folder in which its files are. */
  store: BackupStore
  storeDir: string
  pool: PoolSpec
  /** A user whom a guest may have. */
  uid: number
  /** The names of what backups that are being made keep on the host. */
  kept(): string[]
}

const place = { driver: 'folder' as const, id: 'local' }
const [gib, mib] = [1024 ** 3, 1024 ** 2]

/** What the tests of backups of real volumes do again and again. */
export function backupTools(bench: () => BackupBytesBench) {
  const op = (): Op => backgroundOp(pino({ level: 'silent' }))
  const driverOf = (volumes: BackupOptions['volumes']): BackupDriver =>
    createBackups({
      volumes,
      storeOf: (id) => (id === 'local' ? bench().store : undefined),
      background: { answerMs: 60_000 },
    })

  async function aVolume(sizeGib = 1) {
    const { volumes, pool } = bench()
    const spec = { id: crypto.randomUUID(), pool, sizeGib, source: null }
    await volumes.ensureVolume(op(), spec)
    return { id: spec.id, pool }
  }
  type Volume = Awaited<ReturnType<typeof aVolume>>

  /** Runs `work` with the node that QEMU would get. */
  async function opened<T>(volume: Volume, work: (node: string) => T | Promise<T>): Promise<T> {
    const { volumes, uid } = bench()
    const guest = { id: crypto.randomUUID(), uid }
    const found: OpenedVolume = await volumes.openVolume(op(), volume, guest)
    const { file } = volumeNodeOf({
      ...{ id: crypto.randomUUID(), readOnly: false, limits: {}, opened: found, direct: false },
    })
    const { 'node-name': _, ...node } = file as Record<string, unknown>
    try {
      return await work(`json:${JSON.stringify(node)}`)
    } finally {
      await volumes.closeVolumes(op(), guest.id, [])
    }
  }
  /** Runs commands of qemu-io on the volume, as the QEMU of a guest would. */
  const io = (volume: Volume, ...commands: string[]): Promise<string> =>
    opened(volume, (node) =>
      execFileSync('qemu-io', [...commands.flatMap((one) => ['-c', one]), node], { encoding: 'utf8' }),
    )
  const write = (volume: Volume, at: number, length: number, byte: number) =>
    io(volume, `write -P ${byte} ${at} ${length}`)
  /** Each range is a place, a length and the byte of which it is full. */
  async function expectBytes(volume: Volume, ...ranges: [number, number, number][]): Promise<void> {
    const said = await io(volume, ...ranges.map(([at, length, byte]) => `read -P ${byte} ${at} ${length}`))
    expect(said).not.toContain('verification failed')
  }
  /** Compares all bytes of two volumes, as qemu-img reads them. */
  const expectSame = (one: Volume, two: Volume): Promise<void> =>
    opened(one, (first) =>
      opened(two, (second) => {
        const said = execFileSync('qemu-img', ['compare', first, second], { encoding: 'utf8' })
        expect(said).toContain('Images are identical.')
      }),
    )

  const specOf = ({ id, pool }: Volume, more: Partial<BackupSpec> = {}): BackupSpec => ({
    ...{ id: crypto.randomUUID(), volumeId: id, store: place, snapshotId: null, pool, parent: null },
    ...more,
  })
  /** `told` gets what the operation says of its progress. */
  async function made(spec: BackupSpec, told: string[] = []): Promise<ObservedBackup> {
    const asked = { ...op(), progress: (words: string) => void told.push(words) }
    const backup = await driverOf(bench().volumes).ensureBackup(asked, spec)
    if (!backup) throw new Error('the backup takes a minute')
    return backup
  }
  const parentOf = ({ id, checksum }: ObservedBackup) => ({ id, checksum })
  async function restored({ id, volumeId, checksum }: ObservedBackup, sizeGib = 1): Promise<Volume> {
    const volume = await aVolume(sizeGib)
    const backup = { id, volumeId, checksum, store: place }
    await driverOf(bench().volumes).restoreBackup(op(), { backup, volume })
    return volume
  }
  const remove = ({ id, volumeId }: ObservedBackup) =>
    driverOf(bench().volumes).removeBackup(op(), { id, volumeId, store: place, pool: bench().pool })
  /** All files of the backups of a volume in the store, which has no folder of the volume without any. */
  const filesOf = ({ id }: Volume): string[] =>
    fs
      .globSync(path.join(bench().storeDir, id, '**'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
  return {
    op,
    driverOf,
    aVolume,
    io,
    write,
    expectBytes,
    expectSame,
    specOf,
    made,
    parentOf,
    restored,
    remove,
    filesOf,
  }
}

/** The tests of backups that read and write bytes; each driver of volumes must pass them. */
export function backupBytesConformance(bench: () => BackupBytesBench): void {
  const tools = backupTools(bench)
  const { op, aVolume, io, write, expectBytes, specOf, made, parentOf, restored, remove, filesOf } = tools

  test('a backup gives another volume the same bytes, and stores no zeros', async () => {
    const { volumes, pool, kept } = bench()
    const volume = await aVolume(2)
    await write(volume, 0, 5 * mib, 0x11)
    await write(volume, 2 * gib - mib, mib, 0x22)
    const spec = specOf(volume)
    const backup = await made(spec)
    expect(backup).toMatchObject({ sizeBytes: 2 * gib, chunks: 3, quiesced: true, parentId: null })
    expect(backup.storedBytes).toBeLessThan(mib)
    expect(await made(spec)).toEqual(backup)
    expect(await tools.driverOf(volumes).getBackup(op(), spec)).toEqual(backup)
    const copy = await restored(backup, 3)
    await expectBytes(
      copy,
      [0, 5 * mib, 0x11],
      [5 * mib, 64 * mib, 0],
      [2 * gib - mib, mib, 0x22],
      [2 * gib, 64 * mib, 0],
    )
    const listed = (await volumes.listVolumes(op(), pool)).find(({ id }) => id === copy.id)
    expect(listed?.usedBytes).toBeLessThan(8 * mib)
    expect(kept()).toEqual([])
  })

  test('a further backup stores what has changed, and stays whole when the earlier one is removed', async () => {
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    const first = await made(specOf(volume))
    await write(volume, 8 * mib, mib, 0x22)
    await io(volume, `write -z ${16 * mib} ${4 * mib}`)
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    expect(second).toMatchObject({ chunks: 1, parentId: first.id })
    await write(volume, 100 * mib, mib, 0x33)
    const third = await made(specOf(volume, { parent: parentOf(second) }))
    expect(third.chunks).toBe(1)
    await remove(first)
    const key = { ...specOf(volume), id: first.id }
    expect(await tools.driverOf(bench().volumes).getBackup(op(), key)).toBeNull()
    await remove(second)
    const copy = await restored(third)
    await expectBytes(
      copy,
      [0, 8 * mib, 0x11],
      [8 * mib, mib, 0x22],
      [9 * mib, 7 * mib, 0x11],
      [16 * mib, 4 * mib, 0],
      [20 * mib, 20 * mib, 0x11],
      [100 * mib, mib, 0x33],
    )
    // The first one's pieces that were written anew or have become zeros since are gone.
    expect(filesOf(volume)).toHaveLength(1 + (10 - 2) + 1 + 1)
    await remove(third)
    expect(filesOf(volume)).toEqual([])
  })

  test('a chunk that has little does not get what an earlier chunk had in the same memory', async () => {
    const volume = await aVolume()
    // More chunks than are in memory at once.
    await write(volume, 0, 80 * mib, 0x11)
    for (let at = 80; at < 200; at += 8) await write(volume, (at + 5) * mib, mib, 0x22)
    const copy = await restored(await made(specOf(volume)))
    await expectBytes(copy, [0, 80 * mib, 0x11])
    for (let at = 80; at < 200; at += 8)
      await expectBytes(
        copy,
        [at * mib, 5 * mib, 0],
        [(at + 5) * mib, mib, 0x22],
        [(at + 6) * mib, 2 * mib, 0],
      )
  })

  test('only what has changed is read, also after layers were merged', async () => {
    const { volumes, pool } = bench()
    const volume = await aVolume()
    await write(volume, 0, 40 * mib, 0x11)
    const first = await made(specOf(volume))
    const snapshots = []
    for (const byte of [0x22, 0x33, 0x44]) {
      const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
      await volumes.ensureSnapshot(op(), snapshot)
      snapshots.push(snapshot)
      await write(volume, byte * mib, mib, byte)
    }
    for (const snapshot of snapshots) await volumes.removeSnapshot(op(), snapshot)
    expect((await volumes.mergeLayers(op(), volume)).mergeable).toBe(0)
    const reads: number[] = []
    const watching = tools.driverOf({
      ...volumes,
      async openFrozen(asked, key) {
        const frozen = await volumes.openFrozen(asked, key)
        return {
          ...frozen,
          read(at, length) {
            reads.push(at)
            return frozen.read(at, length)
          },
        }
      },
    })
    const second = await watching.ensureBackup(op(), specOf(volume, { parent: parentOf(first) }))
    expect(second?.chunks).toBe(3)
    expect(reads.toSorted((a, b) => a - b)).toEqual(
      [0x22, 0x33, 0x44].map((at) => Math.floor(at / 4) * 4 * mib),
    )
    if (!second) throw new Error('no backup')
    const copy = await restored(second)
    for (const byte of [0x22, 0x33, 0x44]) await expectBytes(copy, [byte * mib, mib, byte])
    await expectBytes(copy, [0, 0x22 * mib, 0x11])
  })

  test('a further backup is right after the volume went back, was made larger or restored', async () => {
    const { volumes, pool } = bench()
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 0x11)
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op(), snapshot)
    await write(volume, 0, 20 * mib, 0x22)
    const first = await made(specOf(volume))
    const asked = op()
    while (!(await volumes.revertVolume(asked, { ...volume, snapshotId: snapshot.id })));
    await volumes.growVolume(op(), { ...volume, sizeGib: 2 })
    await write(volume, gib, mib, 0x33)
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    const copy = await restored(second, 2)
    await expectBytes(copy, [0, 8 * mib, 0x11], [8 * mib, 12 * mib, 0], [gib, mib, 0x33])
    await volumes.removeSnapshot(op(), snapshot)
    await tools.driverOf(volumes).restoreBackup(op(), {
      backup: { id: first.id, volumeId: volume.id, checksum: first.checksum, store: place },
      volume,
    })
    await expectBytes(volume, [0, 20 * mib, 0x22], [gib, mib, 0])
    const third = await made(specOf(volume, { parent: parentOf(second) }))
    const again = await restored(third, 2)
    await expectBytes(again, [0, 20 * mib, 0x22], [gib, mib, 0])
  })

  test('a further backup knows what has changed also after the volume was made larger', async () => {
    const { volumes } = bench()
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 0x11)
    const first = await made(specOf(volume))
    await volumes.growVolume(op(), { ...volume, sizeGib: 2 })
    await write(volume, gib + 8 * mib, mib, 0x33)
    const told: string[] = []
    const second = await made(specOf(volume, { parent: parentOf(first) }), told)
    expect(second).toMatchObject({ chunks: 1, sizeBytes: 2 * gib })
    expect(told.join()).not.toContain('reading everything')
    const copy = await restored(second, 2)
    await expectBytes(copy, [0, 8 * mib, 0x11], [gib - 32 * mib, 40 * mib, 0], [gib + 8 * mib, mib, 0x33])
  })

  test('a further backup on top of one that is not the last reads everything, says why, and is right', async () => {
    const volume = await aVolume()
    await write(volume, 0, 8 * mib, 0x11)
    const first = await made(specOf(volume))
    await write(volume, 0, 4 * mib, 0x22)
    const second = await made(specOf(volume, { parent: parentOf(first) }))
    await write(volume, 0, mib, 0x11)
    const told: string[] = []
    const third = await made(specOf(volume, { parent: parentOf(first) }), told)
    expect(told.at(-1)).toMatch(/reading everything, because \S.+: \d+ %$/)
    expect([second.chunks, third.chunks]).toEqual([1, 1])
    const copy = await restored(third)
    await expectBytes(copy, [0, mib, 0x11], [mib, 3 * mib, 0x22], [4 * mib, 4 * mib, 0x11])
  })

  test('a backup of a snapshot has what the snapshot has', async () => {
    const { volumes, pool } = bench()
    const volume = await aVolume()
    await write(volume, 0, mib, 0x11)
    const snapshot = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    await volumes.ensureSnapshot(op(), snapshot)
    await write(volume, 0, mib, 0x22)
    const now = await made(specOf(volume))
    const then = await made(specOf(volume, { snapshotId: snapshot.id, parent: parentOf(now) }))
    await expectBytes(await restored(then), [0, mib, 0x11])
    await volumes.removeSnapshot(op(), snapshot)
    const missing = made(specOf(volume, { snapshotId: snapshot.id }))
    await expect(missing).rejects.toMatchObject({ code: 'not_found' })
  })

  test('random writes come back, byte by byte', async () => {
    const volume = await aVolume()
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    let last: ObservedBackup | null = null
    for (let round = 0; round < 3; round += 1) {
      const commands = Array.from({ length: 60 }, () => {
        const at = random(2 ** 18) * 4096
        const length = Math.min((1 + random(64)) * 4096, gib - at)
        return random(4) === 0 ? `write -z ${at} ${length}` : `write -P ${1 + random(255)} ${at} ${length}`
      })
      await io(volume, ...commands)
      last = await made(specOf(volume, { parent: last && parentOf(last) }))
      const copy = await restored(last)
      await tools.expectSame(copy, volume)
    }
  })

  test('the removal of a volume removes what its backups have kept, unless a backup reads it', async () => {
    const { volumes, pool, kept: left } = bench()
    const volume = await aVolume()
    const kept = { id: crypto.randomUUID(), volumeId: volume.id, pool }
    const frozen = await volumes.openFrozen(op(), { ...kept, snapshotId: null })
    await expect(volumes.removeVolume(op(), volume)).rejects.toMatchObject({ code: 'unavailable' })
    await frozen.close()
    await volumes.removeVolume(op(), volume)
    expect(left()).toEqual([])
  })
}
