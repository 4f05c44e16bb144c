import { readdir, rm, rmdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { createBackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { createTurns } from '../turns.ts'
import { createClaims } from './claims.ts'
import { copyOf, copyWhole } from './copy.ts'
import { exportIn, removeExportFile, removeForgotten, writeExport } from './exports.ts'
import { dropAllOf, keepSnapshot, keepVolume, noteBackup, openFrozenIn, readVolume } from './frozen.ts'
import { closeFor, type Holder, holders, openFor, ownIn } from './guest-links.ts'
import type {
  ExportSpec,
  LocalVolumeDriver,
  ObservedExport,
  ObservedSnapshot,
  ObservedVolume,
  PoolSpace,
  PoolSpec,
  RunningGuest,
  SnapshotsSpec,
  VolumeKey,
  VolumeSpec,
} from './interface.ts'
import { createVolumeKeys } from './keys.ts'
import { filesIn, removePart, removeWhole } from './layer-files.ts'
import { listIn, listVolumesIn } from './listing.ts'
import { demandFits, grow, imageSource, make, mostShared, noKeys, observed, type Source } from './making.ts'
import { readFrozen, readManifest } from './manifest.ts'
import { beginMerge, endMerge } from './merge.ts'
import { createMoves } from './moving.ts'
import { baseInPool, dropBases } from './pool-bases.ts'
import {
  type Folders,
  foldersOf,
  forgetGuest,
  makeFolders,
  makePool,
  noteGuest,
  nothing,
  poolsOfGuest,
  reachPool,
  removePool,
  unlessGone,
} from './pool-folders.ts'
import { reachedFirst } from './reached.ts'
import { putInPlace, writeDraft } from './refill.ts'
import { freeze, type Held, layersOfSnapshot, makeSnapshots, revert, snapshotIn } from './snapshots.ts'

export type VolumeFilesOptions = {
  /** The folder hosts/<host>. The local pool lies in volumes/<pool>/ in it. */
  dir: string
  /** The name of this host, by which it owns volumes of pools that several hosts see. */
  host?: string
  /** The folders of this cloud, in which no further pool may lie. Default: none. */
  ownFolders?: readonly string[]
  /**
   * Runs `work` while that guest neither starts nor ends. `running` is null when the guest does not run, so that nobody
   * has the files of its volumes open. Whoever needs the guest and a volume takes the guest first, as a start does, so
   * that nobody waits for the other in a circle.
   */
  withGuest<T>(op: Op, guestId: string, work: (running: RunningGuest | null) => Promise<T>): Promise<T>
  /** The folder of the keys of encrypted volumes (keys.ts); without it there are none. */
  keysDir?: string
  /** The cloud's image store, into which images of volumes are written. */
  imagesDir: string
  /** The user id for image tools, which no guest has; that of defaultGuestUids when absent. */
  converter?: number
  /** Makes the raw base of an image, and returns its path; null while the base is still being made. */
  baseOf(op: Op, base: BaseSpec): Promise<string | null>
}

const gib = 1024 ** 3
/** How long it may take to write down that layers are merged. */
const endMergeMs = 60_000
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const makingOf = ({ id }: { id: string }) => `encrypted ${id}`

/**
 * Volumes as files in a folder of this host, in layers. An empty volume is one raw file. A volume from an image has a hard
 * link to the image's base and a layer of its own above it, so it is made at once whatever its size; a volume from a
 * snapshot or another volume has links to their layers. In data/<volume>/ and snapshots/<snapshot>/, which only root
 * enters, lie the layers with their manifest. A guest's process reaches the layers of its volumes by further links in
 * open/<guest>/, a folder that only this guest's user may pass.
 */
export function createVolumeFiles(options: VolumeFilesOptions): LocalVolumeDriver {
  const inTurn = createTurns()
  const background = createBackgroundJobs()
  const keys = options.keysDir === undefined ? null : createVolumeKeys(options.keysDir)
  const encrypting = { keys, converter: options.converter }
  const folders = (pool: PoolSpec) => foldersOf(options.dir, pool)
  const places = { dir: options.dir, ownFolders: options.ownFolders ?? [] }
  const claims = createClaims(options.dir, options.host ?? path.basename(options.dir))
  /** The backups that read what is kept for them. */
  const beingRead = new Set<string>()
  const dirOf = ({ id, pool }: VolumeKey) => path.join(folders(pool).data, checked(id, uuid))
  const snapshotOf = ({ id, pool }: VolumeKey) => path.join(folders(pool).snapshots, checked(id, uuid))
  const frozenOf = ({ id, pool }: VolumeKey) => path.join(folders(pool).frozen, checked(id, uuid))
  const inPool = (pool: PoolSpec) => (op: Op, file: string) => baseInPool(op, poolOf(pool), file)
  const poolOf = (pool: PoolSpec) => ({ pool, root: folders(pool).root, claims })
  /** Runs `work` while nobody here or on another host changes the volume or snapshot. A move has the turn first, too, and claims then. */
  const alone = <T>({ id, pool }: VolumeKey, work: () => Promise<T>): Promise<T> =>
    inTurn(id, () => claims.during(pool, id, work))
  /** Changes a volume while neither the guest that has it, if there is one, nor anybody else changes it. */
  async function held<T>(op: Op, { id, pool }: VolumeKey, work: (volume: Held) => Promise<T>): Promise<T> {
    const holder = await soleHolder({ id, pool })
    return heldTogether(op, { ids: [id], pool, holder }, ([volume]) => work(volume as Held))
  }
  const holderOf = async ({ id, pool }: VolumeKey) => (await holders(folders(pool).open, id))[0]
  /** The guest that has the volume. Raises `conflict` when several guests have it. */
  async function soleHolder({ id, pool }: VolumeKey): Promise<Holder | undefined> {
    const [holder, another] = await holders(folders(pool).open, id)
    if (another)
      throw new DriverError(
        'conflict',
        `The guests ${holder?.guest} and ${another.guest} share the volume ${id}.`,
      )
    return holder
  }
  /** Does the same for several volumes that one guest has, or none. */
  async function heldTogether<T>(
    op: Op,
    { ids, pool, holder }: { ids: readonly string[]; pool: PoolSpec; holder: Holder | undefined },
    work: (volumes: Held[]) => Promise<T>,
  ): Promise<T> {
    const own = holder?.own ?? null
    const change = (running: RunningGuest | null) =>
      aloneAll(ids, pool, async () => {
        const volumes: Held[] = []
        for (const id of ids) {
          if ((await holderOf({ id, pool }))?.guest !== holder?.guest)
            throw new DriverError('unavailable', `Another guest got or left the volume ${id} meanwhile.`)
          // A guest whose plug was interrupted has links to the volume, and its QEMU does not use it.
          const isUsed = running && (await running.has(id))
          if (isUsed) await moves.conclude(op, { id, pool }, running)
          volumes.push({ id, dir: dirOf({ id, pool }), own, running: isUsed ? running : null })
        }
        return work(volumes)
      })
    return holder === undefined ? change(null) : options.withGuest(op, holder.guest, change)
  }

  /** Does so for several volumes or snapshots, in one order, so that nobody waits for the other in a circle. */
  function aloneAll<T>(ids: readonly string[], pool: PoolSpec, work: () => Promise<T>): Promise<T> {
    const [id, ...others] = ids.toSorted()
    return id === undefined ? work() : alone({ id, pool }, () => aloneAll(others, pool, work))
  }

  /** Makes snapshots of volumes, of which those of one guest are kept at one instant. */
  async function snapshotAll(op: Op, { pool, snapshots }: SnapshotsSpec): Promise<ObservedSnapshot[]> {
    const dirs = snapshots.map(({ id }) => snapshotOf({ id, pool }))
    const known = (await Promise.all(dirs.map(snapshotIn))).filter((one) => one !== null)
    if (known.length === snapshots.length) return known
    // Those that an interrupted call has left are of an earlier instant.
    for (const dir of dirs) await removeWhole(dir)
    await makeFolders(folders(pool))
    const found = await Promise.all(snapshots.map(({ volumeId }) => soleHolder({ id: volumeId, pool })))
    const observedById = new Map<string, ObservedSnapshot>()
    for (const [guest, its] of Map.groupBy(snapshots, (_, index) => found[index]?.guest)) {
      const ids = its.map(({ volumeId }) => volumeId)
      const holder = found.find((one) => one?.guest === guest)
      const some = await heldTogether(op, { ids, pool, holder }, (volumes) =>
        makeSnapshots(
          op,
          volumes.map((volume, index) => ({ volume, dir: snapshotOf({ id: its[index]?.id ?? '', pool }) })),
        ),
      )
      for (const one of some) observedById.set(one.id, one)
    }
    return snapshots.flatMap(({ id }) => observedById.get(id) ?? [])
  }
  async function unused(key: VolumeKey): Promise<void> {
    const holder = (await holders(folders(key.pool).open, key.id))[0]
    if (holder) throw new DriverError('conflict', `The guest ${holder.guest} has the volume ${key.id}.`)
  }
  async function ensureOne(op: Op, spec: VolumeSpec): Promise<ObservedVolume | null> {
    const dir = dirOf(spec)
    await removePart(dir)
    const known = await readManifest(dir)
    if (known) return observed({ id: spec.id, dir, own: null }, known)
    await makeFolders(folders(spec.pool))
    return makeNew(op, spec, dir)
  }
  async function makeNew(op: Op, spec: VolumeSpec, dir: string): Promise<ObservedVolume | null> {
    const { source, pool } = spec
    if (!source) return make(op, spec, { layers: [], sizeBytes: 0 }, dir, encrypting)
    if (source.kind === 'image') {
      const base = await imageSource(op, options, source.base, inPool(pool))
      return base && make(op, spec, base, dir, encrypting)
    }
    if (source.kind === 'snapshot')
      return make(op, spec, await layersOfSnapshot(snapshotOf({ id: source.id, pool })), dir, encrypting)
    if (source.id === spec.id) throw new DriverError('invalid', 'A volume is no copy of itself.')
    const layers = (await readManifest(dirOf({ id: source.id, pool })))?.layers ?? []
    if (layers.length > mostShared)
      return whileKept(op, { ...source, pool }, spec.id, (kept) => make(op, spec, kept, dir, encrypting))
    // The layers are linked before anything else may change the volume.
    return held(op, { id: source.id, pool }, async (volume) => {
      const before = await readManifest(volume.dir)
      demandFits(before?.sizeBytes ?? 0, spec.sizeGib * gib)
      // Nothing is copied while the guest waits: the next call goes the other way.
      if ((before?.layers.length ?? 0) > mostShared)
        throw new DriverError('unavailable', `The volume ${source.id} got a further layer meanwhile.`)
      const { manifest } = await freeze(op, volume)
      const { sizeBytes, luks } = manifest
      const files = filesIn(volume.dir, manifest)
      return make(op, spec, { layers: files, sizeBytes, luks }, dir, encrypting)
    })
  }
  async function exportOf(op: Op, spec: ExportSpec): Promise<ObservedExport> {
    const { exportId, pool, id } = spec
    const { imagesDir, converter } = options
    const known = await exportIn(imagesDir, exportId)
    if (known) return known
    if ((await readManifest(dirOf(spec)))?.luks)
      throw new DriverError('invalid', 'An image of an encrypted volume would not be encrypted.')
    return whileKept(op, { id, pool }, exportId, (kept) => writeExport(op, imagesDir, spec, kept, converter))
  }
  /** Runs `work` on what the volume contains now, which is kept under that name meanwhile. */
  async function whileKept<T>(op: Op, key: VolumeKey, name: string, work: (kept: Source) => Promise<T>) {
    const { exports } = await makeFolders(folders(key.pool))
    await removeForgotten(options.imagesDir, exports)
    const dir = path.join(exports, checked(name, uuid))
    try {
      // An agent that was killed in the middle of the work has left the layers.
      if (!(await snapshotIn(dir))) await held(op, key, (volume) => makeSnapshots(op, [{ volume, dir }]))
      return await work(await layersOfSnapshot(dir))
    } finally {
      await removeWhole(dir)
    }
  }
  const reach = (pool: PoolSpec) => reachPool(places, pool)
  const moves = createMoves({ dir: options.dir, claims, folders, held, inTurn, reach })
  const driver: LocalVolumeDriver = {
    ...moves.calls,
    async probePool(_op, pool) {
      await claims.tidy(pool)
      return spaceIn(await makeFolders(folders(pool)))
    },
    makePool: async (_op, pool) => spaceIn(await makePool(places, pool)),
    removePool: (_op, pool) => removePool(places, pool),
    async copyVolume(op, { id, from, to, copyId }) {
      if (from.id === to.id) throw new DriverError('invalid', 'The volume lies in this pool already.')
      for (const pool of [from, to]) await reachPool(places, pool)
      await makeFolders(folders(to))
      return held(op, { id, pool: from }, async (volume) => {
        await unused({ id, pool: from })
        return claims.during(to, id, async () => {
          await unused({ id, pool: to })
          const dir = dirOf({ id, pool: to })
          return observed({ id, dir, own: null }, await copyWhole(op, { from: volume.dir, to: dir, copyId }))
        })
      })
    },
    async disown(_op, { pool, host }) {
      const { open } = folders(pool)
      for (const guest of await claims.disown(pool, host))
        await rm(await ownIn(open, checked(guest, uuid), pool), { recursive: true, force: true })
    },
    ensureVolume(op, spec) {
      const work = (own: Op) => alone(spec, () => ensureOne(own, spec))
      // Encryption takes seconds on a busy machine, and an image or a copy minutes.
      return spec.encryption || ['snapshot', 'volume'].includes(spec.source?.kind ?? '')
        ? background.ask(op, makingOf(spec), work)
        : work(op)
    },
    async giveKeys(_op, spec) {
      if (!keys) throw noKeys()
      await keys.keep(spec.keys.map(({ id, key }) => ({ id: checked(id, uuid), key })))
    },
    keepKeys: async (_op, { ids }) => (keys ? keys.retain(ids.map((id) => checked(id, uuid))) : [...ids]),
    async removeVolume(op, key) {
      await background.end(makingOf(key))
      await moves.endComing(op, key)
      await alone(key, () => unused(key))
      await moves.forgetOrigin(op, key)
      await alone(key, async () => {
        await unused(key)
        await dropAllOf(op, folders(key.pool).frozen, key.id, (id) => beingRead.has(id))
        await removeWhole(dirOf(key))
        // What a copy of another volume was kept by, while it was made as this one.
        await removeWhole(path.join(folders(key.pool).exports, key.id))
      })
      await dropBases(poolOf(key.pool))
    },
    growVolume: (op, { sizeGib, ...key }) =>
      held(op, key, (volume) => grow(op, volume, sizeGib * gib, options.converter)),
    listVolumes: (op, pool) => listVolumesIn(op, folders(pool)),
    ensureSnapshot: (op, { id, volumeId, pool }) =>
      alone({ id, pool }, async () => {
        const dir = snapshotOf({ id, pool })
        const known = await snapshotIn(dir)
        if (known) return known
        await makeFolders(folders(pool))
        const [first] = await held(op, { id: volumeId, pool }, (volume) =>
          makeSnapshots(op, [{ volume, dir }]),
        )
        if (!first) throw new DriverError('failed', `The snapshot ${id} was not made.`)
        return first
      }),
    ensureSnapshots: (op, spec) =>
      aloneAll(
        spec.snapshots.map(({ id }) => id),
        spec.pool,
        () => snapshotAll(op, spec),
      ),
    removeSnapshot: (_op, key) => alone(key, () => removeWhole(snapshotOf(key))),
    revertVolume: (op, { snapshotId, ...key }) =>
      held(op, key, async (volume) => {
        await unused(key)
        const source = await layersOfSnapshot(snapshotOf({ id: snapshotId, pool: key.pool }))
        return observed(volume, await revert(op, volume, source))
      }),
    async reimageVolume(op, { base, ...key }) {
      const source = await imageSource(op, options, base, inPool(key.pool))
      if (source === null) return null
      return held(op, key, async (volume) => {
        await unused(key)
        return observed(volume, await revert(op, volume, source))
      })
    },
    exportVolume: (op, spec) => background.ask(op, spec.exportId, (own) => exportOf(own, spec)),
    async removeExport(_op, { exportId, pool }) {
      await background.end(exportId)
      await removeExportFile(options.imagesDir, exportId)
      await removeWhole(path.join(folders(pool).exports, checked(exportId, uuid)))
    },
    async mergeLayers(op, key) {
      const merging = await held(op, key, (volume) => beginMerge(op, volume, options.converter))
      if (merging) {
        // The guest can be stopped, and the volume be changed, while QEMU works.
        const failure = await merging.done(op).then(
          () => null,
          (error: unknown) => ({ error }),
        )
        // Also when the caller has given up: the lowest layer must go back to root.
        const end = { ...op, signal: AbortSignal.timeout(endMergeMs) }
        await held(end, key, (volume) => endMerge(volume, merging, failure !== null))
        if (failure) throw failure.error
      }
      return held(op, key, async (volume) => {
        const manifest = await readManifest(volume.dir)
        if (!manifest) throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
        return observed(volume, manifest)
      })
    },
    openFrozen: (op, { id, volumeId, snapshotId, pool }) =>
      inTurn(id, async () => {
        const dir = frozenOf({ id, pool })
        beingRead.add(id)
        try {
          if (!(await readFrozen(dir))) {
            await makeFolders(folders(pool))
            if (snapshotId === null)
              await held(op, { id: volumeId, pool }, (volume) => keepVolume(op, volume, dir))
            else
              await alone({ id: snapshotId, pool }, () =>
                keepSnapshot(snapshotOf({ id: snapshotId, pool }), dir),
              )
          }
          return await openFrozenIn(op, dir, options.converter, () => beingRead.delete(id))
        } catch (error) {
          beingRead.delete(id)
          throw error
        }
      }),
    dropFrozen: (_op, { id, volumeId, pool }, isBackedUp) =>
      inTurn(id, async () => {
        const dir = frozenOf({ id, pool })
        if (isBackedUp)
          await alone({ id: volumeId, pool }, () => noteBackup(dirOf({ id: volumeId, pool }), dir, id))
        await removeWhole(dir)
      }),
    async refillVolume(op, key, luks, fill, neededBytes = 0) {
      await unused(key)
      const draft = await writeDraft(dirOf(key), key.id, luks, fill, neededBytes)
      try {
        await held(op, key, async ({ dir }) => {
          await unused(key)
          // Whoever has given the restore up may have begun another one.
          op.signal.throwIfAborted()
          await putInPlace(dir, key.id, luks, draft)
        })
      } finally {
        await rm(draft, { force: true })
      }
    },
    readUnused: (op, key, work) =>
      held(op, key, async ({ dir }) => {
        await unused(key)
        await readVolume(op, dir, options.converter, work)
      }),
    async receiveCopy(_op, copy, fill) {
      await makeFolders(folders(copy.pool))
      return alone(copy, async () => {
        await unused(copy)
        const dir = dirOf(copy)
        return observed({ id: copy.id, dir, own: null }, await copyOf(dir, copy, fill))
      })
    },
    listSnapshots: (op, pool) => listIn(op, folders(pool).snapshots, snapshotIn),
    async openVolume(op, given, guest) {
      const key = await inTurn(given.id, () => moves.placeOf(given))
      const { open } = folders(key.pool)
      await noteGuest(options.dir, key.pool, checked(guest.id, uuid), key.id)
      await claims.take(key.pool, key.id, guest.id)
      return inTurn(key.id, async () => {
        try {
          const opened = await openFor(dirOf(key), await ownIn(open, guest.id, key.pool), key, guest, keys)
          // A guest whose record names the pool has it from the control plane.
          if (key.pool.id === given.pool.id)
            await moves
              .arrive(key)
              // A pool that is full keeps no guest from its start.
              .catch((err: unknown) =>
                op.log.warn({ err, volume: key.id }, 'a volume still counts as a copy'),
              )
          return opened
        } catch (error) {
          if (!(await holders(open, key.id)).some((one) => one.guest === guest.id))
            await claims.giveBack(key.pool, key.id, guest.id)
          throw error
        }
      })
    },
    async closeVolumes(_op, guestId, except) {
      for (const { pool, noted } of await poolsOfGuest(options.dir, checked(guestId, uuid))) {
        const known = await moves.keptIn(pool, except, noted ?? [])
        if (noted?.every((volume) => known.has(volume))) continue
        const place = await reachPool(places, pool)
        const own = await ownIn(place.open, guestId, pool)
        const names = await readdir(own).catch(nothing)
        const there = new Set([...names.map((name) => name.slice(0, 36)), ...(noted ?? [])])
        const kept = await moves.keptIn(pool, except, there)
        for (const volume of there)
          if (!kept.has(volume))
            await inTurn(volume, async () => {
              await closeFor(await moves.folderOf({ id: volume, pool }), own, volume)
              await claims.giveBack(pool, volume, guestId)
              // A volume that has left this pool by a move is the guest's as before, and so is its key.
              if (!except.some(({ id }) => id === volume)) await keys?.takeBack(volume, guestId)
              await forgetGuest(options.dir, pool, guestId, volume)
            })
        if (kept.size === 0) await rmdir(own).catch(unlessGone)
      }
    },
  }
  return reachedFirst(driver, reach)
}

async function spaceIn({ data }: Folders): Promise<PoolSpace> {
  const { blocks, bavail, bsize } = await statfs(data)
  return { totalGib: Math.floor((blocks * bsize) / gib), freeGib: Math.floor((bavail * bsize) / gib) }
}

function checked(id: string, pattern: RegExp): string {
  if (!pattern.test(id)) throw new DriverError('invalid', 'not an id of ours')
  return id
}
