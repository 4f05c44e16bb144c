import { z } from 'zod'
import { conflict } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { At } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { boolean, inner } from '../../openstack/schema.ts'
import {
  createSnapshot,
  deleteSnapshot,
  findSnapshots,
  getSnapshot,
  getVolume,
  updateSnapshot,
} from '../service.ts'
import { type SnapshotView, snapshotCreateInput, snapshotUpdateInput } from '../snapshots/contract.ts'
import { at, snapshotOf } from './at.ts'
import { metadata } from './metadata.ts'
import { countWanted, pageBody } from './page-body.ts'
import { adminSnapshotFilters, snapshotFilters, snapshotQuery } from './snapshot-list.ts'
import { changedSnapshot, madeSnapshot, snapshotDetail, snapshotSummary } from './snapshot-views.ts'

async function list(call: Call, view: (snapshot: SnapshotView, at: At) => object): Promise<object> {
  const isCounted = countWanted(call)
  const asked = snapshotQuery(call)
  if (asked === null) return pageBody(call, 'snapshots', [], { more: false, count: isCounted ? 0 : null })
  const { snapshots, more, count } = await findSnapshots(call.ctx, asked, isCounted)
  const here = at(call)
  const shown = snapshots.map((snapshot) => view(snapshot, here))
  return pageBody(call, 'snapshots', shown, { more, lastId: snapshots.at(-1)?.id, count })
}

const text = z.string().max(255, 'is too long').nullish()
const words = { name: text, description: text, display_name: text, display_description: text }
const creation = z.strictObject({
  ...words,
  volume_id: z.uuid('is not a uuid'),
  force: boolean.nullish(),
  metadata: metadata.nullish(),
})

/** The first word that a request says; null says that the text is to be empty. */
const said = (...values: (string | null | undefined)[]): string | undefined => {
  const value = values.find((one) => one !== undefined)
  return value === null ? '' : value
}

/** From this minor microversion on, a volume that a server has needs no `force`. */
const withoutForce = 66

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'snapshot', creation)
  const { volume_id: volumeId, force } = wish
  if (call.minor >= withoutForce && force === false)
    throw new HttpError(
      400,
      `The volume snapshot creation 'force' parameter is no longer needed since 3.${withoutForce}: leave force out.`,
    )
  if (call.minor < withoutForce && !force) {
    const { state } = await getVolume(call.ctx, { id: volumeId })
    if (state === 'in-use')
      throw conflict(
        `Volume ${volumeId} status must be available, but current status is: in-use. Say force.`,
        'volumeState',
      )
  }
  const made = await createSnapshot(
    call.ctx,
    snapshotCreateInput.parse({
      volumeId,
      name: said(wish.name, wish.display_name),
      description: said(wish.description, wish.display_description),
      metadata: wish.metadata ?? {},
    }),
  )
  return { snapshot: madeSnapshot(made, at(call)) }
}

const change = z.strictObject(words)
async function update(call: Call): Promise<object> {
  const wish = inner(call, 'snapshot', change)
  const changed = await updateSnapshot(
    call.ctx,
    snapshotUpdateInput.parse({
      ...snapshotOf(call),
      name: said(wish.name, wish.display_name),
      description: said(wish.description, wish.display_description),
    }),
  )
  return { snapshot: changedSnapshot(changed, at(call)) }
}

const lists = {
  method: 'GET',
  status: 200,
  access: 'list',
  filters: snapshotFilters,
  adminFilters: adminSnapshotFilters,
  deviation: 'The next page has a link only when it has snapshots.',
} as const
const item = { path: '/snapshots/:snapshot_id' }
export const snapshotOperations: ApiOperation[] = [
  {
    ...lists,
    name: 'snapshots.list',
    path: '/snapshots',
    summary: 'List snapshots of volumes',
    handle: (call) => list(call, snapshotSummary),
  },
  {
    ...lists,
    name: 'snapshots.detail',
    path: '/snapshots/detail',
    summary: 'List snapshots of volumes with details',
    handle: (call) => list(call, snapshotDetail),
  },
  {
    name: 'snapshots.create',
    method: 'POST',
    path: '/snapshots',
    summary: 'Keep what a volume contains now',
    status: 202,
    // The volume is one of a project, so that strangers do not find it.
    access: 'write',
    handle: create,
  },
  {
    ...item,
    name: 'snapshots.get',
    method: 'GET',
    summary: 'Show a snapshot of a volume',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      snapshot: snapshotDetail(await getSnapshot(call.ctx, snapshotOf(call)), at(call)),
    }),
  },
  {
    ...item,
    name: 'snapshots.update',
    method: 'PUT',
    summary: 'Change name and description of a snapshot',
    status: 200,
    access: 'write',
    handle: update,
  },
  {
    ...item,
    name: 'snapshots.delete',
    method: 'DELETE',
    summary: 'Delete a snapshot',
    deviation:
      'It is gone at once for every client; its data, its quota and its room are until it can no longer be taken back (STRATOLITH_TAKE_BACK_MINUTES).',
    status: 202,
    access: 'write',
    handle: async (call) => {
      await deleteSnapshot(call.ctx, snapshotOf(call))
    },
  },
]
