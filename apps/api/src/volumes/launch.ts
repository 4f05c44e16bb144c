import type { z } from 'zod'
import { findBootImage } from '../images/service.ts'
import { type Ctx, projectOf, visible } from '../kernel/context.ts'
import type { ErrorCode } from '../kernel/contract.ts'
import { CloudError, invalidInput } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import type { QuotaDelta } from '../quota/service.ts'
import { deviceNames, onlyOneHasIt } from './attachments.ts'
import { type launchVolumeInput, rootDevice, volumeCan } from './contract.ts'
import { newKeyFor } from './encryption/keys.ts'
import type { KeyBits } from './encryption/words.ts'
import { type Origin, originOf } from './origin.ts'
import { type LaunchPlaceWish, placeForType, reaches } from './pools.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { ofType, sumOf, whyNoQuota } from './quota.ts'
import { stateOf } from './row.ts'
import { demandShareable, isMultiattach } from './types/extra-specs.ts'
import { placeWishOf, specsOf } from './types/row.ts'
import { typeFor } from './types/service.ts'

/** The functions by which compute plans the volumes of a launch (launch-rows.ts makes them). */

export type LaunchVolumeWish = z.output<typeof launchVolumeInput>
/** A volume that is to be made for each instance of a launch. */
export type NewVolume = {
  sizeGib: number
  typeId: string
  /** Whether it is for several instances. */
  multiattach: boolean
  name: string
  /** The host on which the instance must be, because of the volume's type or of what the volume is made from; null: any. */
  hostId: string | null
  /** The zone in which the instance must be, because of the volume's pool; null: any. */
  zone: string | null
  /** The pool with a capacity of its own in which the volume lies; null: the disk of the instance's host. */
  poolId: string | null
  /** How much is free in that pool before the launch. */
  freeGib: number | null
  /** The hosts on whose disk the volume may not lie. */
  notOn: readonly string[]
  /** How long the new key of an encrypted volume is; null for one that is plain or has the key of its origin. */
  newKey: KeyBits | null
  data: Partial<Origin['data']>
}
export type PlannedVolume = {
  device: string
  deleteOnTermination: boolean
  of: { volume: VolumeRow } | { made: NewVolume }
}
type Problem = { code: ErrorCode; message: string }
export type LaunchVolumes = {
  problems: Problem[]
  planned: PlannedVolume[]
  /** What each instance takes of its host's disk (`diskGib`) and of its project's quota, for each type, too. */
  made: { volumes: number; gib: number; diskGib: number; quota: QuotaDelta }
  /** The only host that reaches the volumes that exist; null: every host does. */
  hostId: string | null
  /** The only zone whose hosts reach the volumes; null: every zone. */
  zone: string | null
  /** The hosts on whose disk the new volumes may not lie. */
  notOn: readonly string[]
  /** For how many instances the pools with a capacity of their own have room. */
  most: number
  /** The root disk is one of the volumes. */
  isRoot: boolean
  /** The image that the root disk was made from, when that is known. */
  rootImage: { id: string; name: string } | null
  /** How much memory that image needs. */
  minRamMib: number
  /** The properties of that image. */
  rootProperties: Readonly<Record<string, unknown>>
}

const noVolumes: LaunchVolumes = {
  problems: [],
  planned: [],
  made: { volumes: 0, gib: 0, diskGib: 0, quota: {} },
  hostId: null,
  zone: null,
  notOn: [],
  most: Number.POSITIVE_INFINITY,
  isRoot: false,
  rootImage: null,
  minRamMib: 0,
  rootProperties: {},
}

/**
 * The hosts on which the instances may be, how many there are, how few are enough, and how many ephemeral and swap disks
 * each of them has.
 */
type Launch = {
  hosts: readonly { id: string; zone: string }[]
  count: number
  atLeast?: number | undefined
  localDisks: number
}

/**
 * Decides which volumes the instances of a launch would get, and what speaks against it. Only reads; inside a transaction
 * the volumes that exist stay locked until its end, so that nobody else gets them.
 */
export async function planLaunchVolumes(
  ctx: Ctx,
  wishes: readonly LaunchVolumeWish[],
  { hosts, count, atLeast = count, localDisks }: Launch,
): Promise<LaunchVolumes> {
  if (wishes.length === 0) return noVolumes
  const rows = await namedVolumes(ctx, wishes)
  const problems = problemsOfAll(wishes, count)
  const planned: PlannedVolume[] = []
  const names = deviceNames(localDisks)
  const devices = devicesOf(wishes, names)
  // A new volume lies where the hosts reach it that reach the others, too.
  let among = hosts.filter((host) => [...rows.values()].every(({ pool }) => reaches(pool, host)))
  const taken = new Map<string, number>()
  for (const [index, wish] of wishes.entries()) {
    const of = await plannedOf(ctx, wish, rows, { among, taken, instances: Math.min(count, atLeast) })
    if ('made' in of) {
      const { poolId, sizeGib, ...place } = of.made
      among = among.filter((host) => reaches(place, host) && !place.notOn.includes(host.id))
      if (poolId !== null) taken.set(poolId, (taken.get(poolId) ?? 0) + sizeGib * Math.min(count, atLeast))
    }
    const device = devices[index]
    if ('message' in of) problems.push(of)
    else if (typeof device !== 'string') problems.push(device ?? tooMany(names.length))
    else planned.push({ device, deleteOnTermination: wish.deleteOnTermination, of })
  }
  const hostIds = [...new Set(planned.flatMap((one) => hostIdOf(one) ?? []))]
  if (hostIds.length > 1) problems.push(apart)
  const zones = [...new Set(planned.flatMap((one) => zoneOf(one) ?? []))]
  if (zones.length > 1) problems.push(zonesApart)
  const made = planned.flatMap(({ of }) => ('made' in of ? of.made : []))
  const short = await whyNoQuota(ctx, projectOf(ctx), made, count)
  if (short !== null) problems.push({ code: 'quota_exceeded', message: short })
  return {
    problems,
    planned,
    made: {
      volumes: made.length,
      gib: gibOf(made),
      diskGib: gibOf(made.filter(({ poolId }) => poolId === null)),
      quota: sumOf(made.map(({ typeId, sizeGib }) => ofType(typeId, { volumes: 1, volumeGib: sizeGib }))),
    },
    hostId: hostIds[0] ?? null,
    zone: zones[0] ?? null,
    notOn: made.flatMap((one) => one.notOn),
    most: mostOf(made),
    isRoot: wishes.some(({ boot }) => boot),
    ...(await rootOf(ctx, planned)),
  }
}

const gibOf = (made: readonly NewVolume[]): number => made.reduce((sum, one) => sum + one.sizeGib, 0)

const hostIdOf = ({ of }: PlannedVolume): string | null =>
  'made' in of ? of.made.hostId : of.volume.pool.hostId

const zoneOf = ({ of }: PlannedVolume): string | null => ('made' in of ? of.made.zone : of.volume.pool.zone)

/** For how many instances the pools have room that have a capacity of their own. */
const mostOf = (made: readonly NewVolume[]): number =>
  Math.min(
    Number.POSITIVE_INFINITY,
    ...[...Map.groupBy(made, ({ poolId }) => poolId).values()].flatMap((some) => {
      const freeGib = some[0]?.freeGib ?? null
      return freeGib === null ? [] : Math.floor(freeGib / gibOf(some))
    }),
  )

async function rootOf(
  ctx: Ctx,
  planned: readonly PlannedVolume[],
): Promise<Pick<LaunchVolumes, 'rootImage' | 'minRamMib' | 'rootProperties'>> {
  const root = planned.find(({ device }) => device === rootDevice)?.of
  const unknown = { rootImage: null, minRamMib: 0, rootProperties: {} }
  if (!root) return unknown
  const { imageId, imageName } = 'made' in root ? root.made.data : root.volume
  const written = 'made' in root ? {} : (root.volume.imageMetadata as Record<string, string>)
  if (!imageId) return { ...unknown, rootProperties: written }
  // Somebody who does not see the image (any more) may have a volume that was made from it.
  const image = await findBootImage(ctx, imageId)
  return {
    rootImage: { id: imageId, name: imageName ?? '' },
    minRamMib: image?.minRamMib ?? 0,
    rootProperties: { ...image?.properties, ...written },
  }
}

const idsIn = (wishes: readonly LaunchVolumeWish[]): string[] =>
  wishes.flatMap(({ from }) => (from.kind === 'volume' ? from.id : []))

/** The volumes that the wishes name, of those that the caller may see, locked in the order of their ids. */
async function namedVolumes(
  ctx: Ctx,
  wishes: readonly LaunchVolumeWish[],
): Promise<ReadonlyMap<string, VolumeRow>> {
  const ids = idsIn(wishes)
  if (ids.length === 0) return new Map()
  const { projectId = null } = visible(ctx)
  if (ctx.db !== ctx.deps.root)
    await ctx.db.$queryRaw`
      SELECT 1 FROM "Volume" WHERE "id" = ANY(${ids}::uuid[]) AND (${projectId}::text IS NULL OR "projectId" = ${projectId})
      ORDER BY "id" FOR UPDATE`
  const rows = await ctx.db.volume.findMany({
    where: { id: { in: ids }, trashedUntil: null, ...visible(ctx) },
    include: withParts,
  })
  for (const row of rows) authorize(ctx, 'volume:update', row)
  return new Map(rows.map((row) => [row.id, row]))
}

const invalid = (message: string): Problem => ({ code: 'invalid_input', message })
const conflicting = (message: string): Problem => ({ code: 'conflict', message })
const apart = conflicting(
  'The volumes lie on the disks of different machines, so that no instance can have them all.',
)
const zonesApart = conflicting(
  'The volumes lie in pools of different zones, so that no instance can have them all.',
)
const tooMany = (most: number) =>
  conflicting(`This instance has at most ${most} volumes beside its root disk.`)

/** The problems that no single wish has. */
function problemsOfAll(wishes: readonly LaunchVolumeWish[], count: number): Problem[] {
  const problems: Problem[] = []
  const ids = idsIn(wishes)
  if (wishes.filter(({ boot }) => boot).length > 1)
    problems.push(invalid('An instance starts from one disk: choose one root disk.'))
  if (new Set(ids).size < ids.length) problems.push(invalid('The same volume is named twice.'))
  if (ids.length > 0 && count > 1)
    problems.push(invalid('A volume goes to one instance: launch one at a time.'))
  return problems
}

/** Where a new volume may lie, and for how many instances one is made. */
type Room = Pick<LaunchPlaceWish, 'among' | 'taken'> & { instances: number }

async function plannedOf(
  ctx: Ctx,
  wish: LaunchVolumeWish,
  rows: ReadonlyMap<string, VolumeRow>,
  room: Room,
): Promise<PlannedVolume['of'] | Problem> {
  if (wish.from.kind === 'volume') return existing(ctx, wish.boot, rows.get(wish.from.id))
  authorize(ctx, 'volume:create', { projectId: projectOf(ctx) })
  try {
    return { made: await newVolume(ctx, wish, room) }
  } catch (error) {
    if (error instanceof CloudError && refusals.includes(error.code))
      return { code: error.code, message: error.message }
    throw error
  }
}
const refusals: ErrorCode[] = ['invalid_input', 'conflict', 'not_found', 'no_capacity']

async function newVolume(
  ctx: Ctx,
  { from, name, ...wish }: LaunchVolumeWish,
  { among, taken, instances }: Room,
): Promise<NewVolume> {
  const origin = await originOf(ctx, {
    ...(from.kind === 'image' ? { imageId: from.id } : {}),
    ...(from.kind === 'snapshot' ? { snapshotId: from.id } : {}),
    ...(from.kind === 'backup' ? { backupId: from.id } : {}),
  })
  const sizeGib = wish.sizeGib ?? origin?.leastGib
  if (sizeGib === undefined) throw invalidInput('Say how large each new volume is to be.')
  if (origin && sizeGib < origin.leastGib)
    throw invalidInput(`The volume has ${sizeGib} GiB; the ${origin.words} needs ${origin.leastGib} GiB.`)
  const type = await typeFor(ctx, wish.type, origin?.typeId)
  const multiattach = isMultiattach(specsOf(type))
  demandShareable(multiattach, origin)
  const fixed = { hostId: origin?.hostId ?? null, poolId: origin?.poolId, hostOf: origin?.words }
  const roomGib = sizeGib * instances
  const place = await placeForType(ctx, placeWishOf(type), { fixed, among, roomGib, taken })
  return {
    sizeGib,
    typeId: type.id,
    multiattach,
    name,
    ...place,
    newKey: newKeyFor(type, origin),
    data: origin?.data ?? {},
  }
}

function existing(ctx: Ctx, boot: boolean, row: VolumeRow | undefined): PlannedVolume['of'] | Problem {
  if (!row) return invalid('This volume does not exist (any more). Choose another.')
  if (row.projectId !== projectOf(ctx)) return conflicting('The volume belongs to another project.')
  const allowed = volumeCan.attach({ state: stateOf(row), multiattach: row.multiattach })
  if (allowed !== true) return conflicting(allowed)
  if (row.attachments.length > 0 && row.pool.hostId === null) return conflicting(onlyOneHasIt)
  if (boot && row.multiattach)
    return conflicting('No system is started from a volume that several instances may have.')
  if (boot && !row.bootable)
    return conflicting('No system can be started from this volume: it is not marked as bootable.')
  return { volume: row }
}

/** The name of each volume in the guest: the wished one, or the next free one. */
function devicesOf(
  wishes: readonly LaunchVolumeWish[],
  names: readonly string[],
): (string | Problem | undefined)[] {
  const wished = (wish: LaunchVolumeWish) =>
    wish.boot || wish.device === undefined ? undefined : wish.device.replace(/^(\/dev\/)?[hsvx]d/, '/dev/vd')
  const taken = new Set(wishes.flatMap((wish) => wished(wish) ?? []))
  const free = names.filter((name) => !taken.has(name))
  const given = new Set<string>()
  return wishes.map((wish) => {
    if (wish.boot) return rootDevice
    const name = wished(wish)
    if (name === undefined) return free.shift()
    if (!names.includes(name))
      return invalid(`${wish.device} is no name that a disk of this guest can have. Leave it out.`)
    if (given.has(name)) return invalid(`Two disks are to be ${name}. Leave the names out.`)
    given.add(name)
    return name
  })
}
