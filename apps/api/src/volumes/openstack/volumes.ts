import { z } from 'zod'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { At } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, parse, queryBoolean, whole } from '../../openstack/schema.ts'
import { type VolumeView, volumeCreateInput, volumeUpdateInput } from '../contract.ts'
import type { PlaceHints } from '../hints.ts'
import {
  createVolume,
  deleteVolume,
  findVolumes,
  forceDeleteVolume,
  getVolume,
  updateVolume,
} from '../service.ts'
import { at, volumeOf } from './at.ts'
import { adminVolumeFilters, listQuery, volumeFilters } from './list-query.ts'
import { metadata } from './metadata.ts'
import { countWanted, pageBody } from './page-body.ts'
import { changedOf, detailOf, madeOf, summaryOf } from './views.ts'

async function list(call: Call, view: (volume: VolumeView, at: At) => object): Promise<object> {
  const isCounted = countWanted(call)
  const asked = listQuery(call)
  if (asked === null) return pageBody(call, 'volumes', [], { more: false, count: isCounted ? 0 : null })
  const { volumes, more, count } = await findVolumes(call.ctx, asked, isCounted)
  const here = at(call)
  const shown = volumes.map((volume) => view(volume, here))
  return pageBody(call, 'volumes', shown, { more, lastId: volumes.at(-1)?.id, count })
}

const text = z.string().max(255, 'is too long').nullish()
/** An id of another thing, where an empty text names nothing. */
const uuid = z.union([z.literal(''), z.uuid('is not a uuid')], 'is not a uuid').nullish()
const words = { name: text, description: text, display_name: text, display_description: text }
const wishes = {
  ...words,
  size: whole(1, 65_536).nullable(),
  volume_type: text,
  availability_zone: text,
  metadata: metadata.nullish(),
  imageRef: text,
  image_id: text,
  snapshot_id: uuid,
  source_volid: uuid,
  backup_id: uuid,
  consistencygroup_id: text,
  group_id: uuid,
  multiattach: boolean.nullish(),
}
const noUuid = 'is not a uuid'
const someIds = z
  .union([z.uuid(noUuid), z.array(z.uuid(noUuid)).max(100, 'are at most 100')], noUuid)
  .nullish()
  .transform((ids) => [ids ?? []].flat())
/** A hint that nobody carries out is refused, and not ignored. */
const schedulerHints = z.strictObject({
  ...{ same_host: someIds, different_host: someIds, local_to_instance: z.uuid(noUuid).nullish() },
  query: z.null('is not carried out: leave query out').optional(),
})

/** Cinder ignores what it does not know, and refuses it since 3.53. */
const creation = (minor: number) =>
  z.strictObject({
    volume: minor < 53 ? z.object(wishes) : z.strictObject(wishes),
    'OS-SCH-HNT:scheduler_hints': schedulerHints.nullish(),
  })
type Creation = z.output<ReturnType<typeof creation>>

/** From this minor microversion on, a volume can be made of a backup. */
const withBackups = 47

/** Throws 400 for what a volume cannot be made with or of here. */
function refuse({ volume }: Creation, minor: number): void {
  if (volume.backup_id && minor < withBackups)
    throw new HttpError(400, `A volume is made of a backup since 3.${withBackups}: leave backup_id out.`)
  if (volume.consistencygroup_id)
    throw new HttpError(400, 'This cloud has groups, and no consistency groups: use group_id.')
  if (volume.multiattach)
    throw new HttpError(
      400,
      'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.',
    )
}

function hintsOf({ 'OS-SCH-HNT:scheduler_hints': given }: Creation): PlaceHints | undefined {
  if (!given) return undefined
  const nearInstance = given.local_to_instance ?? undefined
  return { sameAs: given.same_host, differentFrom: given.different_host, nearInstance }
}

function imageOf({ volume }: Creation): string | undefined {
  const named = volume.imageRef || volume.image_id || undefined
  if (named !== undefined && !z.uuid().safeParse(named).success) throw noImage()
  return named
}
const noImage = (cause?: unknown) =>
  new HttpError(400, 'Invalid image identifier or unable to access requested image.', { cause })

async function create(call: Call): Promise<object> {
  const wish = parse(creation(call.minor), call.body)
  refuse(wish, call.minor)
  const { volume } = wish
  const input = volumeCreateInput.parse({
    name: volume.name ?? volume.display_name ?? '',
    description: volume.description ?? volume.display_description ?? '',
    sizeGib: volume.size ?? undefined,
    imageId: imageOf(wish),
    snapshotId: volume.snapshot_id || undefined,
    sourceVolumeId: volume.source_volid || undefined,
    backupId: volume.backup_id || undefined,
    type: volume.volume_type || undefined,
    zone: volume.availability_zone || undefined,
    // Before 3.13 the word is unknown, and ignored as Cinder does.
    groupId: call.minor < 13 ? undefined : volume.group_id || undefined,
    metadata: volume.metadata ?? {},
  })
  const made = await createVolume(call.ctx, input, { hints: hintsOf(wish) }).catch((error: unknown) => {
    throw error instanceof CloudError && error.reason === 'imageNotFound' ? noImage(error) : error
  })
  return { volume: madeOf(made, at(call)) }
}

const change = z.strictObject({ volume: z.strictObject({ ...words, metadata: metadata.nullish() }) })

async function update(call: Call): Promise<object> {
  const { volume } = parse(change, call.body)
  if (call.minor >= 53 && Object.keys(volume).length === 0)
    throw new HttpError(400, 'Invalid input for field/attribute volume. Value: {}. Name what is to change.')
  const kept = (...values: (string | null | undefined)[]) => {
    const value = values.find((one) => one !== undefined)
    return value === null ? '' : value
  }
  const changed = await updateVolume(
    call.ctx,
    volumeUpdateInput.parse({
      ...volumeOf(call),
      name: kept(volume.name, volume.display_name),
      description: kept(volume.description, volume.display_description),
      metadata: volume.metadata ?? undefined,
    }),
  )
  return { volume: changedOf(changed, at(call)) }
}

async function remove(call: Call): Promise<void> {
  for (const name of ['cascade', 'force'])
    if (queryText(call.query, name) !== undefined && queryBoolean(call.query, name) === undefined)
      throw new HttpError(400, `Invalid value for ${name}: it is true or false.`)
  const isForced = call.minor >= 23 && queryBoolean(call.query, 'force') === true
  const cascade = queryBoolean(call.query, 'cascade') === true
  if (isForced) return forceDeleteVolume(call.ctx, { ...volumeOf(call), cascade })
  await deleteVolume(call.ctx, { ...volumeOf(call), cascade })
}

const lists = {
  method: 'GET',
  status: 200,
  access: 'list',
  filters: volumeFilters,
  adminFilters: adminVolumeFilters,
  deviation: 'The next page has a link only when it has volumes.',
} as const
const item = { path: '/volumes/:volume_id' }
export const volumeOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'volumes.list',
    path: '/volumes',
    summary: 'List volumes',
    handle: (call) => list(call, summaryOf),
  },
  {
    ...lists,
    name: 'volumes.detail',
    path: '/volumes/detail',
    summary: 'List volumes with details',
    handle: (call) => list(call, detailOf),
  },
  {
    name: 'volumes.create',
    method: 'POST',
    path: '/volumes',
    summary: 'Make a volume, empty or of an image, a snapshot, another volume or, since 3.47, a backup',
    status: 202,
    access: 'create',
    deviation:
      'A volume that fits nowhere is refused at once (503), where Cinder makes one in the state error. The scheduler hints same_host, different_host and local_to_instance are carried out, and other ones refused (400). Volumes of a type with multiattach begin empty, and have neither snapshots nor copies, images and backups.',
    handle: create,
  },
  {
    ...item,
    name: 'volumes.get',
    method: 'GET',
    summary: 'Show a volume',
    status: 200,
    access: 'read',
    deviation:
      'volume_image_metadata has the id and the name of the image, and what users have written there.',
    handle: async (call) => ({ volume: detailOf(await getVolume(call.ctx, volumeOf(call)), at(call)) }),
  },
  {
    ...item,
    name: 'volumes.update',
    method: 'PUT',
    summary: 'Change name, description and metadata of a volume',
    status: 200,
    access: 'write',
    handle: update,
  },
  {
    ...item,
    name: 'volumes.delete',
    method: 'DELETE',
    summary: 'Delete a volume with its data, with ?cascade=True also its snapshots',
    deviation:
      'It is gone at once for every client; its data, its quota and its room are until it can no longer be taken back (STRATOLITH_TAKE_BACK_MINUTES).',
    status: 202,
    access: 'write',
    handle: remove,
  },
]
