import { z } from 'zod'
import {
  type AggregateView,
  addAggregateHost,
  changeAggregate,
  createAggregate,
  deleteAggregate,
  listAggregates,
  removeAggregateHost,
} from '../../hosts/service.ts'
import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { inner, parse } from '../../openstack/schema.ts'
import { metadata as metadataInput, name } from './body.ts'
import { at } from './fields.ts'

const created: Field<AggregateView>[] = [
  { name: 'availability_zone', of: (a) => a.zone },
  { name: 'created_at', of: (a) => micros(a.createdAt) },
  { name: 'deleted', of: () => false },
  { name: 'deleted_at', of: () => null },
  { name: 'id', of: (a) => a.id },
  { name: 'name', of: (a) => a.name },
  { name: 'updated_at', of: (a) => micros(a.updatedAt) },
  { name: 'uuid', since: 41, of: (a) => a.uuid },
]
const fields: Field<AggregateView>[] = [
  ...created,
  { name: 'hosts', of: (a) => a.hosts },
  {
    name: 'metadata',
    of: ({ metadata, zone }) => (zone === null ? metadata : { ...metadata, availability_zone: zone }),
  },
]
const view = (call: Call, aggregate: AggregateView) => ({ aggregate: shape(fields, aggregate, at(call)) })

/** A zone has no colon, because clients would read the colon as zone:host. */
const zone = name.regex(/^[^:]*$/, 'must not have a colon').nullable()
const creation = z.strictObject({ name, availability_zone: zone.optional() })
const change = z
  .strictObject({ name: name.optional(), availability_zone: zone.optional() })
  .refine((wish) => Object.keys(wish).length > 0, 'names neither name nor availability_zone')
const host = z.strictObject({ host: z.string().min(1).max(255) })
const words = z.strictObject({
  metadata: z.record(metadataInput.keyType, metadataInput.valueType.nullable()),
})

/**
 * Reads the id of an aggregate. For text that is no number, administrators get a 400; other callers hear that they may
 * not ask.
 */
async function idOf(call: Call): Promise<number> {
  const text = call.params.aggregate_id ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text)
  await listAggregates(call.ctx, 0).catch((error: unknown) => {
    if (error instanceof CloudError && error.code === 'forbidden') throw error
  })
  throw new HttpError(400, `Invalid input received: id must be an integer, not ${text.slice(0, 50)}`)
}

/** Sets metadata. The key availability_zone changes the zone of the aggregate, as in Nova. */
async function setMetadata(call: Call): Promise<object> {
  const { availability_zone: wish, ...metadata } = parse(words, call.body).metadata
  return view(
    call,
    await changeAggregate(call.ctx, await idOf(call), {
      metadata,
      ...(wish === undefined ? {} : { zone: parse(zone, wish) }),
    }),
  )
}

/** Answers a conflict with 400, as Nova does for everything but hosts. */
async function asBadRequest<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof CloudError && error.code === 'conflict')
      throw new HttpError(400, error.message, { cause: error })
    throw error
  })
}

const list = { path: '/os-aggregates' }
const item = { path: '/os-aggregates/:aggregate_id', names: ['aggregate_id'] }
const action = (key: string, summary: string, run: (call: Call) => Promise<object>): ApiOperation => ({
  name: `aggregates.${key}`,
  method: 'POST',
  path: '/os-aggregates/:aggregate_id/action',
  names: ['aggregate_id'],
  action: key,
  summary,
  status: 200,
  access: 'admin',
  handle: run,
})

export const aggregateOperations: ApiOperation[] = [
  {
    ...list,
    name: 'aggregates.list',
    method: 'GET',
    summary: 'List host aggregates',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({
      aggregates: (await listAggregates(call.ctx)).map((one) => shape(fields, one, at(call))),
    }),
  },
  {
    ...list,
    name: 'aggregates.create',
    method: 'POST',
    summary: 'Create a host aggregate',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const wish = inner(call, 'aggregate', creation)
      const input = { name: wish.name, zone: wish.availability_zone ?? null }
      return { aggregate: shape(created, await createAggregate(call.ctx, input), at(call)) }
    },
  },
  {
    ...item,
    name: 'aggregates.get',
    method: 'GET',
    summary: 'Show a host aggregate',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const [found] = await listAggregates(call.ctx, await idOf(call))
      if (!found) throw new CloudError('internal', 'Something went wrong on our side.')
      return view(call, found)
    },
  },
  {
    ...item,
    name: 'aggregates.update',
    method: 'PUT',
    summary: 'Change name and availability zone of a host aggregate',
    status: 200,
    access: 'admin',
    deviation:
      'A host that has servers stays in its availability zone: 400 (of a host that comes or goes, 409).',
    handle: async (call) => {
      const { name: newName, availability_zone } = inner(call, 'aggregate', change)
      const wish = {
        ...(newName === undefined ? {} : { name: newName }),
        ...(availability_zone === undefined ? {} : { zone: availability_zone }),
      }
      return view(call, await asBadRequest(changeAggregate(call.ctx, await idOf(call), wish)))
    },
  },
  {
    ...item,
    name: 'aggregates.delete',
    method: 'DELETE',
    summary: 'Delete an empty host aggregate',
    status: 200,
    access: 'admin',
    handle: async (call) => asBadRequest(deleteAggregate(call.ctx, await idOf(call))),
  },
  action('add_host', 'Put a host into an aggregate', async (call) =>
    view(call, await addAggregateHost(call.ctx, await idOf(call), parse(host, call.body).host)),
  ),
  action('remove_host', 'Take a host out of an aggregate', async (call) =>
    view(call, await removeAggregateHost(call.ctx, await idOf(call), parse(host, call.body).host)),
  ),
  action('set_metadata', 'Set and remove metadata of a host aggregate', (call) =>
    asBadRequest(setMetadata(call)),
  ),
]
