import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { boolean, inner } from '../../openstack/schema.ts'
import { at, snapshotOf, volumeOf } from '../openstack/at.ts'
import { cutPage } from '../openstack/cut-page.ts'
import { metadata } from '../openstack/metadata.ts'
import { madeSnapshot } from '../openstack/snapshot-views.ts'
import { madeOf } from '../openstack/views.ts'
import { type Manageable, snapshotManageInput, volumeManageInput } from './contract.ts'
import { manageableSnapshots, manageableVolumes } from './list.ts'
import { manageSnapshot, manageVolume, unmanageSnapshot, unmanageVolume } from './service.ts'

/** Cinder's words for volumes and snapshots that lie in a pool. */
type Noun = { plural: 'volumes' | 'snapshots'; list: typeof manageableVolumes }
const nouns = {
  volumes: { plural: 'volumes', list: manageableVolumes },
  snapshots: { plural: 'snapshots', list: manageableSnapshots },
} as const satisfies Record<string, Noun>

const sorts: Record<string, (a: Manageable, b: Manageable) => number> = {
  size: (a, b) => a.sizeGib - b.sizeGib || (a.id < b.id ? -1 : 1),
  reference: (a, b) => (a.id < b.id ? -1 : 1),
}

async function list(call: Call, { plural, list: read }: Noun, isDetail: boolean): Promise<object> {
  const host = queryText(call.query, 'host')
  if (host === undefined)
    throw new HttpError(400, "Either 'host' or 'cluster' must be specified: name a host.")
  const [key = 'reference', dir = 'desc'] = (queryText(call.query, 'sort') ?? 'reference:desc').split(':')
  const order = Object.hasOwn(sorts, key) ? sorts[key] : undefined
  if (!order || !['asc', 'desc'].includes(dir)) throw new HttpError(400, `Invalid sort: ${key.slice(0, 50)}.`)
  const all = (await read(call.ctx, { pool: host })).toSorted(order)
  const { shown } = cutPage(call, dir === 'desc' ? all.toReversed() : all, 'The marker')
  return { [`manageable-${plural}`]: shown.map((one) => viewOf(one, plural, isDetail)) }
}

const viewOf = (one: Manageable, plural: Noun['plural'], isDetail: boolean) => ({
  reference: { 'source-name': one.id },
  size: one.sizeGib,
  safe_to_manage: one.problem === null,
  ...(plural === 'snapshots' ? { source_reference: { 'source-name': one.volumeId } } : {}),
  ...(isDetail
    ? { reason_not_safe: one.problem, cinder_id: one.isKnown ? one.id : null, extra_info: null }
    : {}),
})

const text = z.string().max(255, 'is too long').nullish()
/** The name in the pool, under either of Cinder's two words. */
const ref = z
  .object({ 'source-name': text, 'source-id': text })
  .transform((names) => names['source-name'] ?? names['source-id'] ?? '')
const volumeWish = z.strictObject({
  ...{ host: z.string().min(1).max(255), ref, name: text, description: text, volume_type: text },
  ...{ availability_zone: text, metadata: metadata.nullish(), bootable: boolean.nullish() },
})

async function manage(call: Call): Promise<object> {
  const wish = inner(call, 'volume', volumeWish)
  const input = volumeManageInput.safeParse({
    ...{ pool: wish.host, ref: wish.ref, name: wish.name ?? '', description: wish.description ?? '' },
    ...{ type: wish.volume_type || undefined, bootable: wish.bootable ?? false },
    metadata: wish.metadata ?? {},
  })
  const taken = demandRef(input, wish.ref)
  return { volume: madeOf(await manageVolume(call.ctx, taken), at(call)) }
}

/** Cinder has words of its own for a name that nothing in a pool has; other faults have those of every request. */
function demandRef<T>(input: z.ZodSafeParseResult<T>, ref: string): T {
  if (input.success) return input.data
  throw input.error.issues.some(({ path }) => path[0] === 'ref') ? noRef(ref) : input.error
}

const noRef = (name: string) =>
  new HttpError(400, `Manage existing volume failed due to invalid backend reference ${name.slice(0, 100)}.`)

const snapshotWish = z.strictObject({
  ...{ volume_id: z.uuid('is not a uuid'), ref, name: text, description: text },
  metadata: metadata.nullish(),
})

async function manageOfVolume(call: Call): Promise<object> {
  const wish = inner(call, 'snapshot', snapshotWish)
  const input = snapshotManageInput.safeParse({
    ...{ volumeId: wish.volume_id, ref: wish.ref, name: wish.name ?? '' },
    ...{ description: wish.description ?? '', metadata: wish.metadata ?? {} },
  })
  const taken = demandRef(input, wish.ref)
  return { snapshot: madeSnapshot(await manageSnapshot(call.ctx, taken), at(call)) }
}

const lists = (noun: Noun): ApiOperation[] =>
  [false, true].map((isDetail) => ({
    name: `manageable_${noun.plural}.${isDetail ? 'detail' : 'list'}`,
    method: 'GET' as const,
    path: `/manageable_${noun.plural}${isDetail ? '/detail' : ''}`,
    since: 8,
    summary: `List the ${noun.plural} that lie in a pool${isDetail ? ', with details' : ''}`,
    status: 200,
    access: 'admin' as const,
    handle: (call: Call) => list(call, noun, isDetail),
  }))

const deviation = 'The name in the pool is a UUID, and becomes the id. It is there at once.'
const manageAt = (path: string, name: string, since?: number): ApiOperation => ({
  ...{ name, method: 'POST', path, status: 202, access: 'admin', deviation },
  ...(since === undefined ? {} : { since }),
  summary: path.includes('snapshot')
    ? 'Take over a snapshot that lies in a pool'
    : 'Take over a volume that lies in a pool',
  handle: path.includes('snapshot') ? manageOfVolume : manage,
})

const unmanage = (
  plural: Noun['plural'],
  parameter: string,
  run: (call: Call) => Promise<void>,
): ApiOperation => ({
  ...{ name: `${plural}.os-unmanage`, method: 'POST', action: 'os-unmanage', status: 202, access: 'admin' },
  path: `/${plural}/:${parameter}/action`,
  summary: `Leave one of the ${plural} to its pool`,
  handle: run,
})

export const manageOperations: ApiOperation[] = [
  ...lists(nouns.volumes),
  ...lists(nouns.snapshots),
  manageAt('/manageable_volumes', 'manageable_volumes.create', 8),
  manageAt('/os-volume-manage', 'os-volume-manage.create'),
  manageAt('/manageable_snapshots', 'manageable_snapshots.create', 8),
  manageAt('/os-snapshot-manage', 'os-snapshot-manage.create'),
  unmanage('volumes', 'volume_id', (call) => unmanageVolume(call.ctx, volumeOf(call))),
  unmanage('snapshots', 'snapshot_id', (call) => unmanageSnapshot(call.ctx, snapshotOf(call))),
]
