import { stat } from 'node:fs/promises'
import path from 'node:path'
import { createBackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { createTurns } from '../turns.ts'
import { type Ceph, errnos, isErrno } from './ceph.ts'
import { fromCeph } from './from-ceph.ts'
import type {
  LocalVolumeDriver,
  ObservedSnapshot,
  PoolSpec,
  RunningGuest,
  VolumeKey,
  VolumeSpec,
} from './interface.ts'
import { Readers } from './rbd-backup.ts'
import { type Contents, contentMethods, dropExport, exportOf, reimage } from './rbd-contents.ts'
import { copyInto } from './rbd-copy.ts'
import {
  at,
  cloneAs,
  collectGone,
  demandFits,
  dropSnapshot,
  gone,
  type Image,
  imageOf,
  listImages,
  names,
  observed,
  orNull,
  rbd,
  removeImage,
  resize,
  volumeIn,
  volumeOf,
} from './rbd-images.ts'
import { OpenImages, type RbdOptions, runtimeOf } from './rbd-open.ts'
import { disownHost, ownerOf } from './rbd-owner.ts'
import { rbdPools } from './rbd-pools.ts'
import { revertInBackground } from './rbd-revert.ts'
import {
  create,
  findSnapshot,
  listSnapshotsOf,
  removeIndex,
  removeSnapshotOf,
  seen,
  takeSnapshots,
} from './rbd-snapshots.ts'
import { spaceOf } from './rbd-space.ts'

export type RbdVolumeOptions = RbdOptions & {
  /** See VolumeFilesOptions. */
  withGuest<T>(op: Op, guestId: string, work: (running: RunningGuest | null) => Promise<T>): Promise<T>
  baseOf(op: Op, base: BaseSpec): Promise<string | null>
  imagesDir: string
  converter?: number
}
/** `close` ends what the driver does by itself. The servers of volumes go on. */
export type RbdVolumes = LocalVolumeDriver & { close(): Promise<void> }

const gib = 1024 ** 3
/**
 * How long it may take until somebody asks again that a host loses its volumes. The control plane asks each minute, until the host is
 * declared to be back.
 */
const disowningMs = 90_000

/** Volumes as images in pools of Ceph clusters (rbd-images.ts), which all hosts with access to the cluster reach. */
export function createRbdVolumes(options: RbdVolumeOptions): RbdVolumes {
  const inTurn = createTurns()
  const background = createBackgroundJobs()
  const disowning = createBackgroundJobs({ forgetMs: disowningMs })
  const pools = rbdPools(path.join(options.dir, 'pool-keys'), runtimeOf(options.dir))
  const { of } = pools
  const opened = new OpenImages(options, pools, inTurn)

  /** See `held` in files.ts. `guest` is 'elsewhere' when a guest of another host has the volume. */
  async function held<T>(
    op: Op,
    key: VolumeKey,
    work: (volume: { image: Image; guest: RunningGuest | 'none' | 'elsewhere' }) => Promise<T>,
  ): Promise<T> {
    const holder = await opened.records.holderOf(key.id)
    const change = (running: RunningGuest | null) =>
      inTurn(key.id, async () => {
        if ((await opened.records.holderOf(key.id)) !== holder)
          throw new DriverError('unavailable', `Another guest got or left the volume ${key.id} meanwhile.`)
        const image = await volumeOf(await of(key.pool), op, key.id)
        if (!image) throw gone(key.id)
        if (running && (await running.has(key.id))) return work({ image, guest: running })
        const owner = await ownerOf(await of(key.pool), op, image.id)
        const isOurs = owner?.guest === holder && owner?.host === options.host
        return work({ image, guest: owner === null || isOurs ? 'none' : 'elsewhere' })
      })
    return holder === null ? change(null) : options.withGuest(op, holder, change)
  }

  async function unused(op: Op, ceph: Ceph, id: string, image: Image): Promise<void> {
    const guest = (await ownerOf(ceph, op, image.id))?.guest ?? (await opened.records.holderOf(id))
    if (guest) throw new DriverError('conflict', `The guest ${guest} has the volume ${id}.`)
  }

  async function makeNew(op: Op, spec: VolumeSpec): Promise<true | null> {
    const ceph = await of(spec.pool)
    const sizeBytes = spec.sizeGib * gib
    const made = { id: spec.id, name: names.volume(spec.id), sizeBytes }
    const { source } = spec
    if (spec.encryption) throw new DriverError('unsupported', 'This host encrypts no volumes in Ceph.')
    if (!source) {
      await rbd(ceph, op, 'create', '--size', `${spec.sizeGib}G`, at(ceph, made.name))
    } else if (source.kind === 'image') {
      const base = await baseIn(op, ceph, source.base, sizeBytes)
      if (base === null) return null
      const from = { image: names.image(source.base.blobId), snapshot: names.base }
      await cloneAs(ceph, op, from, { ...made, sourceBytes: base })
    } else if (source.kind === 'snapshot') {
      const from = await findSnapshot(ceph, op, source.id)
      if (!from) throw new DriverError('not_found', `The snapshot ${source.id} is gone from its pool.`)
      demandFits(from.sizeBytes, sizeBytes)
      const place = { image: from.image, snapshot: from.name }
      await cloneAs(ceph, op, place, { ...made, sourceBytes: from.sizeBytes })
    } else await copy(op, ceph, { id: source.id, pool: spec.pool }, made)
    return true
  }

  /** The new volume is a clone of a snapshot that Ceph hides as soon as we remove it. */
  async function copy(
    op: Op,
    ceph: Ceph,
    source: VolumeKey,
    made: { id: string; name: string; sizeBytes: number },
  ) {
    if (source.id === made.id) throw new DriverError('invalid', 'A volume is no copy of itself.')
    await held(op, source, async ({ image, guest }) => {
      demandFits(image.size, made.sizeBytes)
      const from = { image: names.volume(source.id), snapshot: copyName(made.id) }
      const take = () => create(ceph, op, from.image, from.snapshot)
      if (typeof guest === 'string') await take()
      else await guest.quiesced(take)
      try {
        await cloneAs(ceph, op, from, { ...made, sourceBytes: image.size })
      } finally {
        await dropCopy(ceph, op, source.id, made.id)
      }
    })
  }

  /** Brings the bytes of an image into the pool, once, and returns how many they are; null while that is under way. */
  async function baseIn(op: Op, ceph: Ceph, base: BaseSpec, sizeBytes: number): Promise<number | null> {
    const name = names.image(base.blobId)
    const there = await imageOf(ceph, op, name)
    if (there) {
      demandFits(there.size, sizeBytes)
      return there.size
    }
    const file = await options.baseOf(op, base)
    if (file === null) return null
    const { size } = await stat(file)
    demandFits(size, sizeBytes)
    op.progress('bringing the image into Ceph')
    return background.ask(op, `${ceph.pool.id} ${name}`, async (own) => {
      const part = names.part(`${base.blobId.slice(0, 32)}-${options.host}`)
      await collectPart(ceph, own, part)
      await rbd(ceph, own, 'import', '--no-progress', file, at(ceph, part))
      await create(ceph, own, part, names.base)
      try {
        await rbd(ceph, own, 'rename', at(ceph, part), at(ceph, name))
      } catch (error) {
        await collectPart(ceph, own, part)
        // Another host was faster.
        if (!isErrno(error, errnos.exists)) throw error
      }
      return size
    })
  }

  const files = fromCeph(options.dir, options.log)
  const readers = new Readers()
  const contents: Contents = { ...options, files, readers, of, held, unused, baseIn }

  /** Several snapshots: those of the volumes of one guest while its file systems hold still. */
  async function together(
    op: Op,
    pool: PoolSpec,
    wanted: readonly { id: string; volumeId: string }[],
  ): Promise<ObservedSnapshot[]> {
    const ceph = await of(pool)
    const found = await Promise.all(wanted.map(({ id }) => findSnapshot(ceph, op, id)))
    const known = found.filter((one) => one !== null)
    if (known.length === wanted.length) return known.map(seen)
    for (const { id } of known) await removeSnapshotOf(ceph, op, id)
    const byGuest = Map.groupBy(
      await Promise.all(
        wanted.map(async (one) => ({ ...one, guest: await opened.records.holderOf(one.volumeId) })),
      ),
      ({ guest }) => guest,
    )
    for (const some of byGuest.values()) await takeSome(op, ceph, some)
    const made = await Promise.all(wanted.map(({ id }) => findSnapshot(ceph, op, id)))
    return made.map((one, index) => {
      if (!one) throw new DriverError('failed', `Ceph has not made the snapshot ${wanted[index]?.id}.`)
      return seen(one)
    })
  }

  /** Snapshots of volumes that one guest has, or none. Volumes are taken in the order of their ids, so that nobody waits in a circle. */
  async function takeSome(
    op: Op,
    ceph: Ceph,
    wanted: readonly { id: string; volumeId: string; guest: string | null }[],
  ): Promise<void> {
    const [holder] = wanted.map(({ guest }) => guest)
    const inOrder = wanted.toSorted((a, b) => (a.volumeId < b.volumeId ? -1 : 1))
    const take = (running: RunningGuest | null) =>
      inTurns(
        inOrder.map(({ volumeId }) => volumeId),
        async () => {
          for (const { volumeId } of inOrder) {
            const image = await volumeOf(ceph, op, volumeId)
            if (!image) throw gone(volumeId)
            await demandOurs(ceph, op, image, { volumeId, holder })
          }
          await takeSnapshots(ceph, op, inOrder, holderOf(op, holder, running, inOrder))
        },
      )
    if (holder === null || holder === undefined) await take(null)
    else await options.withGuest(op, holder, take)
  }
  /** Raises `unavailable` when a guest of another host has the volume: nobody here can let it write nothing for a while. */
  async function demandOurs(
    ceph: Ceph,
    op: Op,
    image: Image,
    { volumeId, holder }: { volumeId: string; holder: string | null | undefined },
  ): Promise<void> {
    const owner = await ownerOf(ceph, op, image.id)
    if (owner === null || (owner.host === options.host && owner.guest === holder)) return
    throw new DriverError(
      'unavailable',
      `The guest ${owner.guest} has the volume ${volumeId} on ${owner.host}, which is to take its snapshot.`,
    )
  }
  const holderOf = (
    op: Op,
    id: string | null | undefined,
    running: RunningGuest | null,
    wanted: readonly { volumeId: string }[],
  ): Parameters<typeof takeSnapshots>[3] => {
    if (!id || !running) return 'none'
    const volumes = wanted.map(({ volumeId }) => volumeId)
    return { id, running, atOnce: (work) => opened.whileNobodyWrites(op, volumes, work) }
  }
  const inTurns = <T>([first, ...others]: readonly string[], work: () => Promise<T>): Promise<T> =>
    first === undefined ? work() : inTurn(first, () => inTurns(others, work))

  return {
    probePool: async (op, pool) => spaceOf(await of(pool), op),
    makePool: async (op, pool) => spaceOf(await of(pool), op),
    async removePool(op, pool) {
      await removeIndex(await of(pool), op)
      await pools.forget(pool)
    },
    ensureVolume: (op, spec) =>
      inTurn(spec.id, async () => {
        const ceph = await of(spec.pool)
        const name = names.volume(spec.id)
        const before = await imageOf(ceph, op, name)
        if (before && spec.source?.kind === 'volume') await dropCopy(ceph, op, spec.source.id, spec.id)
        if (!before && (await makeNew(op, spec)) === null) return null
        return observed(spec.id, before ?? { size: spec.sizeGib * gib })
      }),
    removeVolume: (op, { id, pool }) =>
      inTurn(id, async () => {
        readers.refuse(id)
        await removeOne(op, await of(pool), id, unused)
        await files.dropFrozenOf(id)
      }),
    growVolume: (op, { sizeGib, ...key }) =>
      held(op, key, async ({ image, guest }) => {
        const ceph = await of(key.pool)
        const sizeBytes = sizeGib * gib
        if (sizeBytes < image.size)
          throw new DriverError('invalid', `volume ${key.id} has ${image.size} bytes already`)
        if (guest === 'elsewhere')
          throw new DriverError('conflict', `A guest of another host has the volume ${key.id}.`)
        const record = await opened.recordOf(key.id)
        if (record && !(await opened.keeps(op, record, image)))
          throw new DriverError('conflict', `The guest ${record.guest} has lost the volume ${key.id}.`)
        if (sizeBytes > image.size) await resize(ceph, op, names.volume(key.id), sizeBytes)
        // The server learns the size at its start, and QEMU connects to the new one by itself.
        if (record) await opened.serve(op, record, { ...image, size: sizeBytes })
        if (guest !== 'none') await guest.resize({ id: key.id, sizeBytes })
        return observed(key.id, { ...image, size: sizeBytes })
      }),
    async moveInUse() {
      throw new DriverError('unsupported', 'This host moves no volume in Ceph while a guest has it.')
    },
    endMove: async () => false,
    settleMoves: async () => undefined,
    async copyVolume(op, { id, from, to, copyId }) {
      if (from.id === to.id) throw new DriverError('invalid', 'The volume lies in this pool already.')
      const pair = { from: await of(from), to: await of(to) }
      return held(op, { id, pool: from }, async ({ image }) => {
        await unused(op, pair.from, id, image)
        return observed(
          id,
          await copyInto(op, pair, { id, copyId }, (there) => unused(op, pair.to, id, there)),
        )
      })
    },
    async disown(op, { pool, host }) {
      if (host === options.host) throw new DriverError('invalid', 'A host that answers is not off.')
      const ceph = await of(pool)
      const work = async (own: Op) => {
        await disownHost(ceph, own, host)
        return Date.now()
      }
      const begun = Date.now()
      // A pool of many images takes longer than one call waits: the next call finds the work as far as it has come. What has
      // ended before this call says nothing of now.
      for (let ended = 0; ended < begun; ) ended = (await disowning.ask(op, `${pool.id} ${host}`, work)) ?? 0
    },
    async listVolumes(op, pool) {
      return (await listImages(await of(pool), op)).flatMap(({ image, snapshot, size }) => {
        const id = snapshot === undefined ? volumeIn(image) : null
        return id === null ? [] : [observed(id, { size })]
      })
    },
    ensureSnapshot: (op, { id, volumeId, pool }) =>
      inTurn(id, async () => {
        const ceph = await of(pool)
        const there = await findSnapshot(ceph, op, id)
        if (there) return seen(there)
        const holder = await opened.records.holderOf(volumeId)
        await held(op, { id: volumeId, pool }, ({ guest }) => {
          const wanted = [{ id, volumeId }]
          const who = typeof guest === 'string' ? guest : holderOf(op, holder, guest, wanted)
          return takeSnapshots(ceph, op, wanted, who)
        })
        const made = await findSnapshot(ceph, op, id)
        if (!made) throw new DriverError('failed', `Ceph has not made the snapshot ${id}.`)
        return seen(made)
      }),
    removeSnapshot: (op, { id, pool }) => inTurn(id, async () => removeSnapshotOf(await of(pool), op, id)),
    revertVolume: (op, spec) => revertInBackground({ ...contents, background }, op, spec),
    listSnapshots: async (op, pool) => listSnapshotsOf(await of(pool), op),
    async mergeLayers(op, { id, pool }) {
      // Ceph has no layers that anybody must merge.
      return observed(id, await imageOf(await of(pool), op, names.volume(id)))
    },
    ensureSnapshots: (op, { pool, snapshots }) => together(op, pool, snapshots),
    async reimageVolume(op, spec) {
      const image = await reimage(contents, op, spec)
      return image && observed(spec.id, image)
    },
    exportVolume: (op, spec) => background.ask(op, spec.exportId, (own) => exportOf(contents, own, spec)),
    async removeExport(op, key) {
      await background.end(key.exportId)
      await dropExport(contents, op, key)
    },
    ...contentMethods(contents, inTurn),
    giveKeys: () => Promise.reject(new DriverError('unsupported', 'This host encrypts no volumes in Ceph.')),
    keepKeys: async (_op, { ids }) => [...ids],
    async openVolume(op, { shared, ...key }, guest) {
      if (shared)
        throw new DriverError(
          'unsupported',
          'A volume in Ceph is given to one guest, and to no others meanwhile.',
        )
      return inTurn(key.id, () => opened.open(op, key, guest))
    },
    closeVolumes: (op, guest, except) => opened.closeAll(op, guest, new Set(except.map(({ id }) => id))),
    close: () => opened.close(),
  }
}

/** Removes a volume, or keeps it under another name for the snapshots and volumes that need it. */
async function removeOne(
  op: Op,
  ceph: Ceph,
  id: string,
  unused: (op: Op, ceph: Ceph, id: string, image: Image) => Promise<void>,
): Promise<void> {
  const name = names.volume(id)
  const image = await imageOf(ceph, op, name)
  await removeImage(ceph, op, names.next(id))
  // A removal that was interrupted may have left something.
  if (!image) {
    await removeImage(ceph, op, names.part(id))
    return collectGone(ceph, op, id)
  }
  await unused(op, ceph, id, image)
  try {
    await removeImage(ceph, op, name)
  } catch (error) {
    if (!isErrno(error, errnos.notEmpty)) throw error
    await rbd(ceph, op, 'rename', at(ceph, name), at(ceph, names.gone(id)))
    // What the volume had after its last snapshot is nobody's any more. (With no size at all, rbd du would end.)
    const least = ['--allow-shrink', '--size', '1M', at(ceph, names.gone(id))]
    await rbd(ceph, op, 'resize', '--no-progress', ...least)
  }
  await collectGone(ceph, op, id)
}

const copyName = (id: string) => `copy-${id}`
const dropCopy = (ceph: Ceph, op: Op, source: string, id: string) =>
  dropSnapshot(ceph, op, source, copyName(id))

async function collectPart(ceph: Ceph, op: Op, part: string): Promise<void> {
  await orNull(rbd(ceph, op, 'snap', 'rm', '--no-progress', at(ceph, part, names.base)))
  await removeImage(ceph, op, part)
}
