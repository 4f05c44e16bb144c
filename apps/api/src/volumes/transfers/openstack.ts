import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, links, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, queryText } from '../../openstack/pages.ts'
import { boolean, parse } from '../../openstack/schema.ts'
import { at } from '../openstack/at.ts'
import { pageOf, sortOf, wantsAll } from '../openstack/list-query.ts'
import type { TransferView } from './contract.ts'
import { transferAcceptInput, transferCreateInput } from './contract.ts'
import { acceptTransfer, createTransfer, deleteTransfer, findTransfers, getTransfer } from './service.ts'

type Shown = TransferView & { key?: string }
const summary: Field<Shown>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'volume_id', of: ({ volumeId }) => volumeId },
  { name: 'name', of: ({ name }) => name || null },
  { name: 'links', of: ({ id }, here) => links(here, `os-volume-transfer/${id}`) },
]
/** An accepted transfer is no more, so that nobody sees where a volume went. */
const fields: Field<Shown>[] = [
  ...summary,
  { name: 'created_at', of: ({ createdAt }) => micros(createdAt) },
  { name: 'auth_key', of: ({ key }) => key },
  { name: 'no_snapshots', since: 55, of: ({ noSnapshots }) => noSnapshots },
  { name: 'source_project_id', since: 57, of: ({ projectId }) => projectId },
  { name: 'destination_project_id', since: 57, of: () => null },
  { name: 'accepted', since: 57, of: () => false },
]

/** Cinder's client writes display_name for name. */
const columns = {
  ...{ id: 'id', name: 'name', display_name: 'name', volume_id: 'volumeId', created_at: 'createdAt' },
}

async function list(call: Call, shown: readonly Field<Shown>[]): Promise<object> {
  const name = queryText(call.query, 'name')
  const where = { allProjects: wantsAll(call), ...(name === undefined ? {} : { name }) }
  const sort = call.minor < 59 ? [{ field: 'createdAt', dir: 'asc' as const }] : sortOf(call.query, columns)
  const { transfers, more } = await findTransfers(call.ctx, { where, sort, page: pageOf(call.query) })
  const [here, last] = [at(call), transfers.at(-1)]
  const bodies = { transfers: transfers.map((one) => shape(shown, one, here)) }
  if (!more || !last) return bodies
  const next = new URL(nextLink(call.deps.config.publicUrl, call.request.url, last.id))
  next.searchParams.delete('offset')
  return { ...bodies, transfers_links: [{ rel: 'next', href: next.href }] }
}

const creation = (minor: number) =>
  z.strictObject({
    transfer: z.strictObject({
      volume_id: z.string().max(255),
      name: z.string().max(255, 'is too long').nullish(),
      ...(minor < 55 ? {} : { no_snapshots: boolean.nullish() }),
    }),
  })

/** From this minor microversion on, an encrypted volume can be offered. */
const withEncrypted = 70

async function create(call: Call): Promise<object> {
  const { transfer } = parse(creation(call.minor), call.body)
  const wish = transferCreateInput.safeParse({
    volumeId: transfer.volume_id,
    name: transfer.name?.trim() ?? '',
    noSnapshots: (transfer as { no_snapshots?: boolean | null }).no_snapshots ?? false,
  })
  if (!wish.success)
    throw new HttpError(404, `Volume ${transfer.volume_id.slice(0, 100)} could not be found.`)
  const made = await createTransfer(call.ctx, wish.data, { plainOnly: call.minor < withEncrypted })
  return { transfer: shape(fields, made, at(call)) }
}

const acceptance = z.strictObject({ accept: z.strictObject({ auth_key: z.string().min(1).max(255) }) })

async function accept(call: Call): Promise<object> {
  const { accept: given } = parse(acceptance, call.body)
  const wish = transferAcceptInput.parse({ ...transferOf(call), key: given.auth_key })
  const { transfer } = await acceptTransfer(call.ctx, wish)
  return { transfer: shape(summary, transfer, at(call)) }
}

const transferOf = ({ params }: Call) => ({ id: params.transfer_id ?? '' })
const show = async (call: Call) => ({
  transfer: shape(fields, await getTransfer(call.ctx, transferOf(call)), at(call)),
})

/** The operations at one of the two addresses; the second came with 3.55. */
const operationsAt = (noun: string, more: Pick<ApiOperation, 'since'>): ApiOperation[] => {
  const named = (verb: string, path = '') => ({ ...more, name: `${noun}.${verb}`, path: `/${noun}${path}` })
  const lists = { method: 'GET', status: 200, access: 'list' } as const
  const filters = { filters: { name: 'nobody' } }
  return [
    {
      ...named('list'),
      ...{ ...lists, ...filters },
      summary: 'List the transfers of the project',
      handle: (call) => list(call, summary),
    },
    {
      ...named('detail', '/detail'),
      ...{ ...lists, ...filters },
      summary: 'List the transfers of the project with details',
      handle: (call) => list(call, fields),
    },
    {
      ...named('create'),
      method: 'POST',
      summary: 'Offer a volume to another project',
      status: 202,
      access: 'write',
      except: { systemReader: 'forbidden' },
      deviation:
        'The key has 32 digits. A volume that shares data with others, as copies and volumes of snapshots do, is refused (400).',
      handle: create,
    },
    {
      ...named('get', '/:transfer_id'),
      method: 'GET',
      summary: 'Show a transfer',
      status: 200,
      access: 'read',
      handle: show,
    },
    {
      ...named('delete', '/:transfer_id'),
      method: 'DELETE',
      summary: 'Withdraw the offer of a volume',
      status: 202,
      access: 'write',
      handle: (call) => deleteTransfer(call.ctx, transferOf(call)),
    },
    {
      ...named('accept', '/:transfer_id/accept'),
      method: 'POST',
      summary: 'Accept a volume with the key of its transfer',
      status: 202,
      access: 'create',
      deviation: 'A wrong key is answered like an unknown transfer (404), so that nobody learns which exist.',
      handle: accept,
    },
  ]
}

export const transferOperations: ApiOperation[] = [
  ...operationsAt('os-volume-transfer', {}),
  ...operationsAt('volume-transfers', { since: 55 }),
]
