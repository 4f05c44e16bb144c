import { stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { createBackgroundJobs } from '../background.ts'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { BaseSpec } from '../storage/interface.ts'
import { createTurns } from '../turns.ts'
import { copyAcross, copyContent } from './across.ts'
import { removeExportFile } from './exports.ts'
import type {
  FrozenKey,
  LocalVolumeDriver,
  ObservedVolume,
  PoolSpace,
  PoolSpec,
  ReceivedCopy,
  Refill,
  RunningGuest,
  VolumeKey,
  VolumeSize,
  VolumeSpec,
} from './interface.ts'
import {
  dropFrozen,
  exportOf,
  fromFile,
  type LunContents,
  openFrozen,
  readUnused,
  replace,
  sweepExports,
  withVolume,
} from './iscsi-contents.ts'
import { type IscsiOptions, OpenLuns } from './iscsi-open.ts'
import { isOurs, LunVolumes, marked, refuseUsed, volumeOn, volumesOn } from './lun-volumes.ts'
import { type Lun, type OpenTarget, roomOn, withLuns } from './luns.ts'
import { demandAllRead, seenLuns, unreadVolumes } from './luns-seen.ts'
import { demandFits } from './making.ts'
import { iscsiPool } from './spec.ts'
import { toldPools } from './told-pools.ts'

export type IscsiVolumeOptions = IscsiOptions & {
  /** See VolumeFilesOptions. */
  withGuest<T>(op: Op, guestId: string, work: (running: RunningGuest | null) => Promise<T>): Promise<T>
  baseOf(op: Op, base: BaseSpec): Promise<string | null>
  imagesDir: string
  converter?: number
  /** How long a call waits for long work before it answers that the work goes on, in ms. */
  answerMs?: number
}
/** `close` ends what the driver does by itself. The servers of volumes go on. */
export type IscsiVolumes = LocalVolumeDriver & { close(): Promise<void> }

const gib = 1024 ** 3
const kept = iscsiPool.required().extend({ id: z.string() })

/** By which name a host comes to targets; administrators may list the names there. */
export const initiatorOf = (host: string): string =>
  `iqn.2026-11.stratolith:${host.toLowerCase().replace(/[^a-z0-9.-]/g, '-')}`

/** Volumes as whole LUNs of targets that are there already (luns.ts), which all hosts reach that the target lets in. */
export function createIscsiVolumes(options: IscsiVolumeOptions): IscsiVolumes {
  const { host, log } = options
  const turns = createTurns()
  /** A volume that is moved is in two pools for a while. */
  const inTurn = <T>({ id, pool }: VolumeKey, work: () => Promise<T>): Promise<T> =>
    turns(`${pool.id} ${id}`, work)
  const background = createBackgroundJobs({ answerMs: options.answerMs })
  const volumes = new LunVolumes(host, log)
  const seen = seenLuns(path.join(options.dir, 'luns-seen'), log)
  const pools = toldPools<Omit<OpenTarget, 'seen'>>(
    path.join(options.dir, 'pool-keys'),
    kept.transform((pool) => ({ ...pool, host, initiator: initiatorOf(host) })),
    (pool) => pool.driver === 'iscsi' && pool.secret !== undefined,
  )
  const of = async (pool: PoolSpec) => {
    if (pool.driver !== 'iscsi') throw new DriverError('invalid', 'The pool is not one of iSCSI.')
    return { ...(await pools.of(pool)), seen }
  }
  const opened = new OpenLuns(options, { ...pools, of }, inTurn)
  const swept = sweepExports(options.dir, log)
  const contents: LunContents = { ...options, of, volumes, swept }

  async function spaceOf(op: Op, pool: PoolSpec): Promise<PoolSpace> {
    const target = await of(pool)
    return withLuns(op, target, async (luns) => {
      const all = await luns.all()
      await volumes.tidy(target, luns, all)
      return spaceIn(all)
    })
  }

  async function ensureOne(op: Op, spec: VolumeSpec): Promise<ObservedVolume | null> {
    if (spec.encryption) throw new DriverError('unsupported', 'This host encrypts no volumes on LUNs.')
    if (spec.source?.kind === 'snapshot') throw noSnapshots()
    const pool = await of(spec.pool)
    const known = await withLuns(op, pool, async (luns) => volumeOn(await luns.all(), spec.id))
    if (known) return observed(known)
    const sizeBytes = spec.sizeGib * gib
    const base = spec.source?.kind === 'image' ? await options.baseOf(op, spec.source.base) : null
    if (spec.source?.kind === 'image' && base === null) return null
    if (base !== null) demandFits((await stat(base)).size, sizeBytes)
    const make = (fill: (volume: Refill) => Promise<void>) =>
      volumes.make(op, pool, { id: spec.id, sizeBytes }, fill)
    if (spec.source?.kind === 'volume') return observed(await copyOf(op, spec, spec.source.id, make))
    return observed(
      await make(async (into) => {
        if (base !== null) await fromFile(op, base, options.converter, into)
      }),
    )
  }

  /** A copy of a volume of the same pool. No guest may have the volume: a LUN has no snapshots. */
  async function copyOf(
    op: Op,
    { id, pool, sizeGib }: VolumeSpec,
    source: string,
    make: (fill: (volume: Refill) => Promise<void>) => Promise<Lun>,
  ): Promise<Lun> {
    if (source === id) throw new DriverError('invalid', 'A volume is no copy of itself.')
    const made: Lun[] = []
    await inTurn({ id: source, pool }, () =>
      readUnused(contents, op, { id: source, pool }, async (content) => {
        demandFits(content.sizeBytes, sizeGib * gib)
        made.push(await make((into) => copyContent(op, content, into)))
      }),
    )
    if (!made[0]) throw new DriverError('failed', `The volume ${source} was not copied.`)
    return made[0]
  }

  const growVolume = async (op: Op, { sizeGib, ...key }: VolumeSize): Promise<ObservedVolume> => {
    const holder = await opened.records.holderOf(key.id)
    const grow = (running: RunningGuest | null) =>
      inTurn(key, async () => {
        const record = await opened.recordOf(key.id)
        if ((record?.guest ?? null) !== holder)
          throw new DriverError('unavailable', `Another guest got or left the volume ${key.id} meanwhile.`)
        const sizeBytes = sizeGib * gib
        const lun = await withVolume(contents, op, key, async (luns, found) => {
          const { by } = marked(found)
          if (by?.host !== host || by.guest !== holder) refuseUsed(found, host)
          if (holder !== null) opened.demandOwn(found, holder)
          demandGrowth(found, sizeBytes)
          if (marked(found).sizeBytes === sizeBytes) return found
          if (holder !== null) return volumes.grow(luns, found, sizeBytes)
          return volumes.during(luns, found, (ours) => volumes.grow(luns, ours, sizeBytes))
        })
        // The server learns the size at its start, and QEMU connects to the new one by itself.
        if (record) await opened.serve(op, record, lun)
        if (running && (await running.has(key.id))) await running.resize({ id: key.id, sizeBytes })
        return observed(lun)
      })
    return holder === null ? grow(null) : options.withGuest(op, holder, grow)
  }

  async function removeOne(op: Op, { id, pool }: VolumeKey): Promise<void> {
    const target = await of(pool)
    await withLuns(op, target, async (luns) => {
      const all = await luns.all()
      const lun = volumeOn(all, id)
      if (lun) refuseUsed(lun, host)
      for (const one of all) {
        const isIts = one.mark?.id === id && (one.mark.state === 'volume' || one.mark.state === 'making')
        const { by } = one.mark ?? {}
        if (isIts && !by?.guest && !by?.backup && (by === undefined || by.host === host))
          await volumes.retire(luns, target, one)
      }
    })
  }

  async function receive(op: Op, copy: ReceivedCopy, fill: (volume: Refill) => Promise<void>) {
    const { id, pool, copyId, sizeBytes, luks } = copy
    if (luks) throw new DriverError('unsupported', 'This host encrypts no volumes on LUNs.')
    const target = await of(pool)
    const there = await withLuns(op, target, async (luns) => volumeOn(await luns.all(), id))
    if (there?.mark?.copyId === copyId) return observed(there)
    await removeOne(op, copy)
    return observed(await volumes.make(op, target, { id, sizeBytes, copyId }, fill))
  }

  const driver: IscsiVolumes = {
    probePool: spaceOf,
    async makePool(op, pool) {
      return withLuns(op, await of(pool), async (luns) => {
        const all = await luns.all()
        const usable = all.find(isOurs)
        if (!usable) throw noneUsable(all)
        await luns.tryReserving(usable)
        return spaceIn(all)
      })
    },
    async removePool(op, pool) {
      await withLuns(op, await of(pool), async (luns) => {
        const all = await luns.all()
        const used = all.find(({ mark }) => mark !== null && mark.state !== 'free')
        if (used) throw new DriverError('conflict', whyUsed(used))
        demandAllRead(all)
        for (const lun of all) if (lun.mark) await luns.forget(lun)
      })
      await seen.forget(pool.id)
      await pools.forget(pool)
    },
    ensureVolume: (op, spec) =>
      background.ask(op, `make ${spec.id}`, (own) => inTurn(spec, () => ensureOne(own, spec))),
    async removeVolume(op, key) {
      await background.end(`make ${key.id}`)
      await inTurn(key, () => removeOne(op, key))
    },
    growVolume,
    async copyVolume(op, spec) {
      if (spec.from.id === spec.to.id)
        throw new DriverError('invalid', 'The volume lies in this pool already.')
      return copyAcross(op, { from: driver, to: driver }, spec)
    },
    async moveInUse() {
      throw new DriverError('unsupported', 'This host moves no volume on a LUN while a guest has it.')
    },
    endMove: async () => false,
    settleMoves: async () => undefined,
    async disown(op, { pool, host: other }) {
      if (other === host) throw new DriverError('invalid', 'A host that answers is not off.')
      const target = await of(pool)
      await withLuns(op, target, (luns) => volumes.disown(luns, target, other))
    },
    async listVolumes(op, pool) {
      const all = await withLuns(op, await of(pool), (luns) => luns.all())
      return all
        .filter((lun) => lun.mark?.state === 'volume' && volumesOn(all, lun.mark.id ?? '')[0] === lun)
        .map(observed)
        .concat(unreadVolumes(all))
    },
    ensureSnapshot: () => Promise.reject(noSnapshots()),
    ensureSnapshots: () => Promise.reject(noSnapshots()),
    removeSnapshot: async () => undefined,
    revertVolume: () => Promise.reject(noSnapshots()),
    listSnapshots: async () => [],
    mergeLayers: (op, key) => withVolume(contents, op, key, async (_luns, lun) => observed(lun)),
    reimageVolume: (op, { base, ...key }) =>
      background.ask(op, `reimage ${key.id}`, (own) =>
        inTurn(key, async () => {
          const { sizeBytes } = await withVolume(contents, own, key, async (_luns, lun) => {
            refuseUsed(lun, host)
            return observed(lun)
          })
          const file = await options.baseOf(own, base)
          if (file === null) return null
          demandFits((await stat(file)).size, sizeBytes)
          await replace(contents, own, key, (into) => fromFile(own, file, options.converter, into))
          return withVolume(contents, own, key, async (_luns, lun) => observed(lun))
        }),
      ),
    exportVolume: (op, spec) =>
      background.ask(op, spec.exportId, (own) => inTurn(spec, () => exportOf(contents, own, spec))),
    async removeExport(_op, { exportId }) {
      await background.end(exportId)
      await removeExportFile(options.imagesDir, exportId)
    },
    openFrozen: (op, backup) => inTurn(keyOf(backup), () => openFrozen(contents, op, backup)),
    dropFrozen: (op, backup) => inTurn(keyOf(backup), () => dropFrozen(contents, op, backup)),
    async refillVolume(op, key, luks, fill) {
      if (luks) throw new DriverError('invalid', 'The content is encrypted, and volumes on LUNs are not.')
      await inTurn(key, () => replace(contents, op, key, fill))
    },
    readUnused: (op, key, work) => inTurn(key, () => readUnused(contents, op, key, work)),
    receiveCopy: (op, copy, fill) => inTurn(copy, () => receive(op, copy, fill)),
    giveKeys: () => Promise.reject(new DriverError('unsupported', 'This host encrypts no volumes on LUNs.')),
    keepKeys: async (_op, { ids }) => [...ids],
    async openVolume(op, { shared, ...key }, guest) {
      if (shared)
        throw new DriverError(
          'unsupported',
          'A volume on a LUN is given to one guest, and to no others meanwhile.',
        )
      return inTurn(key, () => opened.open(op, key, guest))
    },
    closeVolumes: (op, guest, except) => opened.closeAll(op, guest, new Set(except.map(({ id }) => id))),
    async close() {
      await opened.close()
      await volumes.close()
    },
  }
  return driver
}

const keyOf = ({ volumeId, pool }: FrozenKey): VolumeKey => ({ id: volumeId, pool })
const noSnapshots = () => new DriverError('unsupported', 'A LUN has no snapshots.')

function observed(lun: Lun): ObservedVolume {
  const { id = '', sizeBytes = 0, by } = marked(lun)
  return {
    id,
    sizeBytes,
    usedBytes: lun.disk.sizeBytes,
    mergeable: 0,
    ...(by?.guest ? { guest: by.guest } : {}),
  }
}

/** What volumes may take. A volume takes a whole LUN, so that less may fit than is free. */
function spaceIn(all: readonly Lun[]): PoolSpace {
  const own = all.filter(isOurs)
  const sum = (some: readonly Lun[]) => some.reduce((total, lun) => total + Math.floor(roomOn(lun) / gib), 0)
  const isUsed = ({ mark }: Lun) => mark?.state === 'volume' || mark?.state === 'making'
  return { totalGib: sum(own), freeGib: sum(own.filter((lun) => !isUsed(lun))) }
}

function demandGrowth(lun: Lun, sizeBytes: number): void {
  const { id, sizeBytes: now = 0 } = marked(lun)
  if (sizeBytes < now) throw new DriverError('invalid', `volume ${id} has ${now} bytes already`)
  if (sizeBytes <= roomOn(lun)) return
  const most = Math.floor(roomOn(lun) / gib)
  throw new DriverError(
    'no_space',
    `The LUN ${lun.disk.number} of the volume ${id} has room for ${most} GiB. Make the LUN larger in the storage (1 MiB more than the volume), and try again.`,
  )
}

function noneUsable(all: readonly Lun[]): DriverError {
  if (all.length === 0)
    return new DriverError(
      'invalid',
      'The target has no LUN that is a disk. Give it LUNs, and let this host see them.',
    )
  const why = all.slice(0, 8).map(({ disk, foreign }) => `LUN ${disk.number} ${foreign}`)
  return new DriverError(
    'invalid',
    `The target has no LUN that this pool may use: ${why.join(', ')}. A LUN is used when its first and its last MiB are zeros: overwrite them where nobody needs the data.`,
  )
}

function whyUsed({ disk, mark }: Lun): string {
  if (mark?.state === 'volume') return `The LUN ${disk.number} has the volume ${mark.id}.`
  return `The LUN ${disk.number} is being ${mark?.state === 'making' ? 'filled' : 'wiped'} by the host ${mark?.by?.host}. Wait until that is over.`
}
