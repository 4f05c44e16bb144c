import type { z } from 'zod'
import { type BootImage, findBootImage } from '../images/service.ts'
import { type Ctx, projectOf, visible } from '../kernel/context.ts'
import type { ErrorCode } from '../kernel/contract.ts'
import { CloudError } from '../kernel/errors.ts'
import { authorize } from '../kernel/policy.ts'
import { deviceNames } from './attachments.ts'
import { type launchVolumeInput, rootDevice, volumeCan } from './contract.ts'
import { type VolumeRow, withParts } from './queries.ts'
import { stateOf } from './row.ts'
import { typeFor } from './types.ts'

/** The functions by which compute plans the volumes of a launch (launch-rows.ts makes them). */

export type LaunchVolumeWish = z.output<typeof launchVolumeInput>
/** A volume that is to be made for each instance of a launch. */
export type NewVolume = { sizeGib: number; typeId: string; image: BootImage | null; name: string }
export type PlannedVolume = {
  device: string
  deleteOnTermination: boolean
  of: { volume: VolumeRow } | { made: NewVolume }
}
type Problem = { code: ErrorCode; message: string }
export type LaunchVolumes = {
  problems: Problem[]
  planned: PlannedVolume[]
  /** What each instance takes of its project's quota and of its host's disk. */
  made: { volumes: number; gib: number }
  /** The only host that reaches the volumes that exist; null: every host does. */
  hostId: string | null
  /** The root disk is one of the volumes. */
  isRoot: boolean
  /** The image that the root disk was made from, when that is known. */
  rootImage: { id: string; name: string } | null
  /** How much memory that image needs. */
  minRamMib: number
}

export const noVolumes: LaunchVolumes = {
  problems: [],
  planned: [],
  made: { volumes: 0, gib: 0 },
  hostId: null,
  isRoot: false,
  rootImage: null,
  minRamMib: 0,
}

/**
 * Decides which volumes the instances of a launch would get, and what speaks against it. Only reads; inside a transaction
 * the volumes that exist stay locked until its end, so that nobody else gets them.
 */
export async function planLaunchVolumes(
  ctx: Ctx,
  wishes: readonly LaunchVolumeWish[],
  count: number,
): Promise<LaunchVolumes> {
  if (wishes.length === 0) return noVolumes
  const rows = await namedVolumes(ctx, wishes)
  const problems = problemsOfAll(wishes, [...rows.values()], count)
  const planned: PlannedVolume[] = []
  const devices = devicesOf(wishes)
  for (const [index, wish] of wishes.entries()) {
    const of = await plannedOf(ctx, wish, rows)
    const device = devices[index]
    if ('message' in of) problems.push(of)
    else if (typeof device !== 'string') problems.push(device ?? tooMany)
    else planned.push({ device, deleteOnTermination: wish.deleteOnTermination, of })
  }
  const made = planned.flatMap(({ of }) => ('made' in of ? of.made : []))
  return {
    problems,
    planned,
    made: { volumes: made.length, gib: made.reduce((sum, one) => sum + one.sizeGib, 0) },
    hostId: [...rows.values()].find(({ pool }) => pool.hostId !== null)?.pool.hostId ?? null,
    isRoot: wishes.some(({ boot }) => boot),
    ...rootOf(planned),
  }
}

function rootOf(planned: readonly PlannedVolume[]): Pick<LaunchVolumes, 'rootImage' | 'minRamMib'> {
  const root = planned.find(({ device }) => device === rootDevice)?.of
  if (!root) return { rootImage: null, minRamMib: 0 }
  if ('made' in root) return { rootImage: root.made.image, minRamMib: root.made.image?.minRamMib ?? 0 }
  const { imageId, imageName } = root.volume
  return { rootImage: imageId === null ? null : { id: imageId, name: imageName }, minRamMib: 0 }
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
    where: { id: { in: ids }, ...visible(ctx) },
    include: withParts,
  })
  for (const row of rows) authorize(ctx, 'volume:update', row)
  return new Map(rows.map((row) => [row.id, row]))
}

const invalid = (message: string): Problem => ({ code: 'invalid_input', message })
const conflicting = (message: string): Problem => ({ code: 'conflict', message })
const tooMany = conflicting(`An instance has at most ${deviceNames.length} volumes beside its root disk.`)

/** The problems that no single wish has. */
function problemsOfAll(
  wishes: readonly LaunchVolumeWish[],
  rows: readonly VolumeRow[],
  count: number,
): Problem[] {
  const problems: Problem[] = []
  const ids = idsIn(wishes)
  if (wishes.filter(({ boot }) => boot).length > 1)
    problems.push(invalid('An instance starts from one disk: choose one root disk.'))
  if (new Set(ids).size < ids.length) problems.push(invalid('The same volume is named twice.'))
  if (ids.length > 0 && count > 1)
    problems.push(invalid('A volume goes to one instance: launch one at a time.'))
  if (new Set(rows.flatMap(({ pool }) => pool.hostId ?? [])).size > 1)
    problems.push(
      conflicting(
        'The volumes lie on the disks of different machines, so that no instance can have them all.',
      ),
    )
  return problems
}

async function plannedOf(
  ctx: Ctx,
  wish: LaunchVolumeWish,
  rows: ReadonlyMap<string, VolumeRow>,
): Promise<PlannedVolume['of'] | Problem> {
  if (wish.from.kind === 'volume') return existing(ctx, wish.boot, rows.get(wish.from.id))
  authorize(ctx, 'volume:create', { projectId: projectOf(ctx) })
  const image = wish.from.kind === 'image' ? await findBootImage(ctx, wish.from.id) : null
  if (wish.from.kind === 'image' && !image)
    return invalid('The image of a volume does not exist (any more). Choose another.')
  if (image && image.state !== 'active')
    return conflicting(`Only an active image can be launched; this one is ${image.state}.`)
  const least = image ? leastGibOf(image) : 1
  const sizeGib = wish.sizeGib ?? (image ? least : null)
  if (sizeGib === null) return invalid('Say how large each new volume is to be.')
  if (sizeGib < least) return invalid(`The volume has ${sizeGib} GiB; the image needs ${least} GiB.`)
  try {
    const type = await typeFor(ctx, wish.type)
    return { made: { sizeGib, typeId: type.id, image, name: wish.name } }
  } catch (error) {
    if (error instanceof CloudError && error.code === 'invalid_input') return invalid(error.message)
    throw error
  }
}

const leastGibOf = ({ minDiskGib, virtualBytes }: BootImage): number =>
  Math.max(1, minDiskGib, Math.ceil(virtualBytes / 1024 ** 3))

function existing(ctx: Ctx, boot: boolean, row: VolumeRow | undefined): PlannedVolume['of'] | Problem {
  if (!row) return invalid('This volume does not exist (any more). Choose another.')
  if (row.projectId !== projectOf(ctx)) return conflicting('The volume belongs to another project.')
  const allowed = volumeCan.attach({ state: stateOf(row) })
  if (allowed !== true) return conflicting(allowed)
  if (boot && !row.bootable)
    return conflicting('No system can be started from this volume: it is not marked as bootable.')
  return { volume: row }
}

/** The name of each volume in the guest: the wished one, or the next free one. */
function devicesOf(wishes: readonly LaunchVolumeWish[]): (string | Problem | undefined)[] {
  const wished = (wish: LaunchVolumeWish) =>
    wish.boot || wish.device === undefined ? undefined : wish.device.replace(/^(\/dev\/)?[hsvx]d/, '/dev/vd')
  const taken = new Set(wishes.flatMap((wish) => wished(wish) ?? []))
  const free = deviceNames.filter((name) => !taken.has(name))
  const given = new Set<string>()
  return wishes.map((wish) => {
    if (wish.boot) return rootDevice
    const name = wished(wish)
    if (name === undefined) return free.shift()
    if (!deviceNames.includes(name))
      return invalid(`${wish.device} is no name that a disk of this guest can have. Leave it out.`)
    if (given.has(name)) return invalid(`Two disks are to be ${name}. Leave the names out.`)
    given.add(name)
    return name
  })
}
