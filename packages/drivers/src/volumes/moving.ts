import { chmod, chown, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError } from '../errors.ts'
import { giveFile } from '../give-file.ts'
import type { Op } from '../op.ts'
import { syncDirectory } from '../sync.ts'
import { holders, ownIn } from './guest-links.ts'
import type {
  CopySpec,
  Mirror,
  ObservedVolume,
  OpenedLayers,
  PoolSpec,
  RunningGuest,
  VolumeKey,
} from './interface.ts'
import { linkOwn, lookAt, nextNumber, openedIn, removeWhole } from './layer-files.ts'
import { copyHeader } from './luks-header.ts'
import { emptyLayer, observed } from './making.ts'
import {
  demandCopy,
  draftManifest,
  layerBytes,
  type Manifest,
  privateFolder,
  readAnyManifest,
  readManifest,
  writeManifest,
} from './manifest.ts'
import type { Moves, MovingParts } from './moves.ts'
import {
  type Folders,
  filesPool,
  forgetGuest,
  noteGuest,
  nothing,
  poolsOfGuest,
  unlessGone,
} from './pool-folders.ts'
import type { Held } from './snapshots.ts'
import { demandSpace } from './space.ts'
import { createWanted } from './wanted.ts'

/** How long the guest's reads and writes may be held at the end. */
const switchMs = 30_000
const movingName = (id: string): string => `${id}.moving`
const movingPattern = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.moving$/
/** The id of the volume that moves into the folder of that name; null for other folders. */
export const movingIn = (name: string): string | null => movingPattern.exec(name)?.[1] ?? null

/**
 * A volume moves into another pool while its guest runs. QEMU copies the volume into one raw file there, data/<id>.moving/,
 * which is no volume yet. When the copy has everything, QEMU holds the guest's reads and writes; then the manifest in the old
 * pool says where the volume is now (`movedTo`), and that decides, also after a crash at any moment: until it is written the
 * volume is in the old pool, and from then on in the new one. Then QEMU goes on with the copy, and the folder gets its name.
 */
export function createMoves(parts: MovingParts): Moves {
  const { folders, held } = parts
  const wholeOf = ({ id, pool }: VolumeKey) => path.join(folders(pool).data, id)
  const movingOf = ({ id, pool }: VolumeKey) => path.join(folders(pool).data, movingName(id))
  const isFiles = ({ pool }: VolumeKey) => pool.driver === 'files'

  async function placeOf<K extends VolumeKey>(key: K): Promise<K> {
    const seen = new Set<string>()
    for (let at = key; ; ) {
      const to = seen.has(at.pool.id) ? undefined : (await readAnyManifest(wholeOf(at)))?.movedTo
      if (!to) return at
      seen.add(at.pool.id)
      at = { ...at, pool: to.pool }
      await parts.reach(at.pool)
      await settle(at)
    }
  }

  /** Gives the copy its name as the volume, after the old pool says that it is the volume. */
  async function settle(key: VolumeKey): Promise<void> {
    if (!(await readManifest(movingOf(key)))) return
    await rename(movingOf(key), wholeOf(key))
    await syncDirectory(folders(key.pool).data)
  }

  /**
   * What the manifest of the old pool says about a copy that has everything: the move when it has decided for the copy, null when
   * the volume is where it was. A pool that this host does not reach, or cannot read, says nothing, and the call raises.
   */
  async function decided(key: VolumeKey): Promise<Decided | null> {
    const seen = new Set<string>()
    for (let at = key; !seen.has(at.pool.id); ) {
      seen.add(at.pool.id)
      await parts.reach(at.pool)
      const here = await readAnyManifest(wholeOf(at))
      if (here && !here.movedTo) return null
      const from = here ? null : (await readManifest(movingOf(at)))?.movedFrom
      if (from) {
        const source = { id: key.id, pool: from }
        await parts.reach(from)
        const manifest = await readAnyManifest(wholeOf(source))
        if (manifest?.movedTo?.pool.id === at.pool.id) return { dir: wholeOf(source), manifest, to: at }
        if (manifest && !manifest.movedTo) return null
      }
      if (here?.movedTo) at = { ...at, pool: here.movedTo.pool }
    }
    throw new DriverError('unavailable', `Nobody can tell in which pool the volume ${key.id} is.`)
  }

  /**
   * Lets the guest go on with the copy that the old pool has decided for. Returns null, or why QEMU has refused: then the guest goes
   * on as before, and so does the manifest. QEMU's job remembers the refusal until that is written.
   */
  async function finish(
    op: Op,
    { dir, manifest, to }: Decided,
    { mirror, running }: { mirror: Mirror; running: RunningGuest },
  ): Promise<DriverError | null> {
    // After a power cut the manifest of before must not come back.
    await syncDirectory(dir)
    try {
      await mirror.change(op)
    } catch (error) {
      // When QEMU is gone, nothing was written since, and the copy is the volume.
      if (!(error instanceof DriverError) || (await mirror.state()) !== 'refused') throw error
      const { movedTo: _, ...before } = manifest
      await writeManifest(dir, before)
      await running.endMirror(to.id)
      return error
    }
    await settle(to)
    return null
  }

  const conclude: Moves['conclude'] = (op, key, running) =>
    answering(key, async () => {
      const mirror = await running.mirrorOf(key.id)
      const state = (await mirror?.state()) ?? 'gone'
      if (!mirror || state === 'gone' || state === 'copying') return
      const move = await decided(key)
      if (move) {
        const refusal = await finish(op, move, { mirror, running })
        if (refusal) op.log.warn({ err: refusal, volume: key.id }, 'QEMU has refused the end of a move')
      } else if (state === 'changed')
        throw new DriverError(
          'failed',
          `The guest uses another copy of the volume ${key.id} than its pool says.`,
        )
      else await running.endMirror(key.id)
    })

  /** Removes a copy that is not the volume, with the links of guests to it. */
  async function drop(key: VolumeKey, guest: string | null): Promise<void> {
    const { open, data } = folders(key.pool)
    const there = await readManifest(wholeOf(key))
    // Where the pool has a volume that is more than a copy, the links are those of its guest.
    const isVolume = there !== null && there.copyId === undefined
    const guests = new Set(isVolume ? [] : (await holders(open, key.id)).map((one) => one.guest))
    if (guest && !isVolume) guests.add(guest)
    for (const one of guests) {
      const own = await ownIn(open, one, key.pool)
      for (const name of await readdir(own).catch(nothing))
        if (name.startsWith(`${key.id}-`)) await rm(path.join(own, name), { force: true })
      await rmdir(own).catch(unlessGone)
      await parts.claims.giveBack(key.pool, key.id, one)
      await forgetGuest(parts.dir, key.pool, one, key.id)
    }
    await rm(movingOf(key), { recursive: true, force: true })
    await syncDirectory(data).catch(nothing)
  }

  /** Raises `conflict` when the pool has a volume already that is more than a copy, as after a restored database. */
  async function demandPlace(key: VolumeKey, guest: string): Promise<void> {
    const other = (await holders(folders(key.pool).open, key.id)).find((one) => one.guest !== guest)
    if (other)
      throw new DriverError(
        'conflict',
        `The guest ${other.guest} has the volume ${key.id} in the other pool.`,
      )
    demandCopy(key.id, await readManifest(wholeOf(key)))
  }

  /** Makes the empty copy, which the guest's user may open. */
  async function prepare(
    volume: Held & { own: string },
    manifest: Manifest,
    { id, from, to, copyId }: CopySpec,
  ): Promise<OpenedLayers['layers'][number]> {
    const key = { id, pool: to }
    const guest = guestOf(volume.own)
    await parts.claims.during(to, id, async () => {
      await demandPlace(key, guest)
      await drop(key, guest)
      // A move that has failed earlier may have left a whole copy.
      await removeWhole(wholeOf(key))
    })
    const { data, open } = folders(to)
    const { usedBytes } = await lookAt(volume, manifest)
    await demandSpace(data, usedBytes, 'a copy of the volume')
    const { uid } = await stat(path.join(volume.dir, manifest.layers.at(-1)?.name ?? ''))
    await noteGuest(parts.dir, to, guest, id)
    await parts.claims.take(to, id, guest)
    const dir = movingOf(key)
    await privateFolder(dir)
    // QEMU has layers of both at the same time, so that their numbers differ.
    const name = `${nextNumber(manifest.layers)}.raw`
    const made: Manifest = {
      ...{ sizeBytes: manifest.sizeBytes, layers: [await emptyLayer(dir, layerBytes(manifest), name)] },
      ...(manifest.luks ? { luks: manifest.luks } : {}),
      ...{
        copyId,
        movedFrom: {
          ...filesPool(from),
          ...(filesPool(from).path === undefined ? { host: parts.claims.host } : {}),
        },
      },
    }
    await copyHeader(volume.dir, manifest, path.join(dir, name))
    await giveFile(path.join(dir, name), uid)
    await writeManifest(dir, made)
    // The old pool may say later that the volume is here, so that the folder must not get lost.
    await syncDirectory(data)
    const own = await ownIn(open, guest, to)
    await mkdir(own, { recursive: true, mode: 0o710 })
    await chown(own, 0, uid)
    await chmod(own, 0o710)
    await linkOwn(own, id, dir, made)
    const [target] = openedIn(own, id, made).layers
    if (!target) throw new DriverError('failed', 'The copy has no layer.')
    return target
  }

  /** Begins the copying, or finds what an earlier call has begun; null: the move is over already. */
  async function begin(volume: Held, spec: CopySpec): Promise<Mirror | null> {
    const { id, to, copyId } = spec
    const any = await readAnyManifest(volume.dir)
    if (any?.movedTo?.pool.id === to.id) {
      await settle({ id, pool: to })
      return null
    }
    if (!any || any.movedTo) throw new DriverError('not_found', `The volume ${id} is gone from its pool.`)
    const { own, running } = volume
    if (own === null || !running)
      throw new DriverError('conflict', `No guest runs with the volume ${id} on this host.`)
    const known = await running.mirrorOf(id)
    const isSame = (await readManifest(movingOf({ id, pool: to })))?.copyId === copyId
    if (known && isSame && (await known.state()) === 'copying') return known
    await running.endMirror(id)
    const target = await prepare({ ...volume, own }, any, spec)
    await linkOwn(own, id, volume.dir, any)
    const encrypted = any.luks ? { encrypted: true as const } : {}
    return running.mirror({ id, opened: openedIn(own, id, any), target, ...encrypted })
  }

  /** Makes the copy the volume. */
  async function change(op: Op, volume: Held, { id, from, to, copyId }: CopySpec): Promise<void> {
    const { running, dir } = volume
    const manifest = await readManifest(dir)
    const copy = await readManifest(movingOf({ id, pool: to }))
    const mirror = await running?.mirrorOf(id)
    if (!running || !mirror || !manifest || copy?.copyId !== copyId)
      throw new DriverError('unavailable', `Another call on the volume ${id} had to come first.`)
    const after: Manifest = { ...manifest, movedTo: { pool: filesPool(to), copyId } }
    // A guest may move away because its pool is full: what needs room is written before anything is held.
    const write = await draftManifest(dir, after)
    await mirror.hold(op).catch(async (error: unknown) => {
      const isLate = error instanceof DriverError && error.code === 'unavailable'
      const state = isLate ? await mirror.state() : null
      // It came a moment too late. A copy that goes on is not thrown away: the next call ends the move.
      if (state === 'held') return
      if (state !== 'copying') await running.endMirror(id)
      throw error
    })
    const move = { dir, manifest: after, to: { id, pool: to } }
    await write().catch(async (error: unknown) => {
      // What has failed may be written all the same. While nobody can read it, the guest's disk holds still.
      if (await answering(move.to, () => decided({ id, pool: from }))) return
      await running.endMirror(id)
      throw error
    })
    const refusal = await answering(move.to, () => finish(op, move, { mirror, running }))
    if (refusal) throw refusal
  }

  async function endMove(op: Op, { id, from, to }: CopySpec): Promise<boolean> {
    for (const pool of [from, to]) await parts.reach(pool)
    const key = { id, pool: to }
    return held(op, { id, pool: from }, async (volume) => {
      const any = await readAnyManifest(volume.dir)
      // Without anything in the old pool, what is whole in the new one is the volume.
      if (any?.movedTo?.pool.id === to.id || (!any && (await readManifest(wholeOf(key))) !== null)) {
        await settle(key)
        return true
      }
      // One that is under way goes from elsewhere when the volume is elsewhere.
      if (!any?.movedTo) await volume.running?.endMirror(id)
      await drop(key, volume.own === null ? null : guestOf(volume.own))
      return false
    })
  }

  const wanted = createWanted(async (op, spec) => {
    const copy = await readManifest(movingOf({ id: spec.id, pool: spec.to }))
    if (copy?.copyId !== spec.copyId) return false
    return !(await endMove({ ...op, signal: AbortSignal.timeout(switchMs) }, spec))
  })

  /** Sees to it that a copy is ended of which this agent knows nothing but that it goes on. */
  async function noteCopying(op: Op, key: VolumeKey, running: RunningGuest): Promise<void> {
    if (wanted.has(key.id) || (await (await running.mirrorOf(key.id))?.state()) !== 'copying') return
    const guest = await ownedBy(folders(key.pool), key.id)
    for (const { pool } of guest === null ? [] : await poolsOfGuest(parts.dir, guest)) {
      const copy = await readManifest(movingOf({ id: key.id, pool }))
      if (copy?.copyId === undefined || copy.movedFrom?.id !== key.pool.id) continue
      wanted.adopt(op, { id: key.id, from: key.pool, to: pool, copyId: copy.copyId })
    }
  }

  const calls: Moves['calls'] = {
    endMove,
    moveInUse: (op, spec) => wanted.during(op, spec, () => move(op, spec)),
    async settleMoves(op, volumes, running) {
      // A call that has lost its connection to QEMU may be about to write where the volume is. No volume waits for the pools of others.
      const settleOne = async (key: VolumeKey) => {
        await conclude(op, key, running)
        await noteCopying(op, key, running)
      }
      const ends = await Promise.allSettled(
        volumes.filter(isFiles).map((key) => parts.inTurn(key.id, () => settleOne(key))),
      )
      const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
      if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures)
    },
  }

  /** See LocalVolumeDriver.moveInUse. */
  async function move(op: Op, spec: CopySpec): Promise<ObservedVolume> {
    const { id, from, to } = spec
    if (from.id === to.id) throw new DriverError('invalid', 'The volume lies in this pool already.')
    for (const pool of [from, to]) await parts.reach(pool)
    await makeData(folders(to))
    const source = { id, pool: from }
    const inTime = (): Op => ({ ...op, signal: AbortSignal.timeout(switchMs) })
    try {
      const mirror = await held(op, source, (volume) => begin(volume, spec))
      if (mirror) {
        await mirror.synced(op)
        // Also when the caller gives up now: the guest's reads and writes are held. The time begins when nobody else has the volume.
        await held(op, source, (volume) => change(inTime(), volume, spec))
      }
    } catch (error) {
      // A caller that was cut off asks again, and finds the copy as far as it has come by then.
      if (error instanceof DriverError && error.code !== 'unavailable')
        await endMove(inTime(), spec).catch((err: unknown) =>
          op.log.warn({ err, volume: id }, 'a move that has failed left a copy'),
        )
      throw error
    }
    return seen(folders(to), await ownedBy(folders(from), id), { id, pool: to })
  }

  return {
    calls,
    conclude,
    arrive: (key) => unmark(wholeOf(key), true),
    placeOf,
    async keptIn(pool, volumes, candidates) {
      const own = volumes.filter(isFiles)
      const kept = new Set<string>()
      const ids = new Set(candidates)
      for (const key of own)
        if (key.pool.id === pool.id || (ids.has(key.id) && (await mayHaveMoved(key, pool)))) kept.add(key.id)
      for (const id of ids)
        if (own.some((key) => key.id === id) && (await readManifest(movingOf({ id, pool })))) kept.add(id)
      return kept
    },
    async endComing(op, { id, pool: to }) {
      const key = { id, pool: to }
      const from = ((await readManifest(movingOf(key))) ?? (await readManifest(wholeOf(key))))?.movedFrom
      if (!from) return
      const { host } = from
      if (host !== undefined && host !== parts.claims.host)
        throw new DriverError(
          'conflict',
          `The volume ${id} comes from the disk of the host ${host}, which alone knows whether the volume is in this pool by now.`,
        )
      await parts.reach(from)
      const isMoving = (await readManifest(movingOf(key))) !== null
      const isHere = async () =>
        (await readAnyManifest(wholeOf({ id, pool: from })))?.movedTo?.pool.id === to.id
      if (isMoving ? await endMove(op, { id, from, to, copyId: '' }) : await isHere())
        // Whoever removes the volume waits until the old data are gone.
        throw new DriverError(
          'unavailable',
          `The volume ${id} was moved into this pool. What its old pool has must be removed first.`,
        )
    },
    async forgetOrigin(op, key) {
      const to = (await readAnyManifest(wholeOf(key)))?.movedTo?.pool
      if (!to) return
      try {
        await parts.reach(to)
        const place = { id: key.id, pool: to }
        await parts.inTurn(key.id, () => parts.claims.during(to, key.id, () => unmark(wholeOf(place), false)))
      } catch (err) {
        // The next guest that gets the volume there makes it forget.
        if (err instanceof DriverError && err.code === 'unavailable') throw err
        op.log.warn({ err, volume: key.id }, 'a volume still names the pool from which it was moved')
      }
    },
    folderOf: async (key) => ((await readAnyManifest(wholeOf(key))) === null ? movingOf(key) : wholeOf(key)),
  }

  /** Whether a move may have brought the volume into the pool while the guest's record names another one. */
  async function mayHaveMoved(key: VolumeKey, into: PoolSpec): Promise<boolean> {
    try {
      await parts.reach(key.pool)
    } catch (error) {
      // While nobody can tell, the guest keeps what it has.
      if (error instanceof DriverError && error.code === 'unavailable') return true
      throw error
    }
    return (await readAnyManifest(wholeOf(key)))?.movedTo?.pool.id === into.id
  }
}

/** Makes a volume forget from which pool it came; `isArrival`: and that it was a copy. */
async function unmark(dir: string, isArrival: boolean): Promise<void> {
  const manifest = await readManifest(dir)
  if (!manifest || (!manifest.movedFrom && !(isArrival && manifest.copyId !== undefined))) return
  const { movedFrom: _, copyId, ...about } = manifest
  await writeManifest(dir, isArrival ? about : { ...about, copyId })
}

/** The guest that has the volume in that pool. */
async function ownedBy({ open }: Folders, id: string): Promise<string | null> {
  return (await holders(open, id))[0]?.guest ?? null
}

async function seen({ data, open }: Folders, guest: string | null, key: VolumeKey): Promise<ObservedVolume> {
  const dir = path.join(data, key.id)
  const manifest = await readManifest(dir)
  if (!manifest) throw new DriverError('not_found', `The volume ${key.id} is gone from its pool.`)
  const own = guest === null ? null : await ownIn(open, guest, key.pool)
  return observed({ id: key.id, dir, own }, manifest)
}

/** A move that the manifest in the folder `dir` has decided. */
type Decided = { dir: string; manifest: Manifest; to: VolumeKey }

/** Makes `unavailable` of what a file system raises, so that the caller asks again: the guest's disk may hold still until then. */
async function answering<T>({ id }: VolumeKey, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof DriverError) throw cause
    throw new DriverError('unavailable', `The move of the volume ${id} cannot be finished now.`, { cause })
  }
}

const guestOf = (own: string): string => path.basename(own).slice(0, 36)

async function makeData({ data, open }: Folders): Promise<void> {
  await privateFolder(data)
  await mkdir(open, { recursive: true, mode: 0o711 })
}
