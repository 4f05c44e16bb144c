import { createHash } from 'node:crypto'
import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { parse } from '../../openstack/schema.ts'
import { changeMetadata, changeSnapshotMetadata, getSnapshot, getVolume } from '../service.ts'
import { snapshotOf, volumeOf } from './at.ts'

/** Metadata of a volume or of a snapshot, with keys and values as Cinder accepts them. */
export const metadata = z.record(
  z.string().regex(/^[a-zA-Z0-9_:. /-]{1,255}$/, 'may have letters, digits, spaces and - _ : . /'),
  z.string().max(255, 'is too long'),
)
type Items = Record<string, string>

/** Since 3.15 callers can say which metadata they have seen, and change no others. */
const etagOf = (items: Items) => createHash('sha256').update(JSON.stringify(items)).digest('hex')
function demandSeen({ request, minor }: Call, before: Items): void {
  const seen = request.headers['if-match']
  if (minor >= 15 && seen !== undefined && seen.replaceAll('"', '') !== etagOf(before))
    throw new HttpError(412, 'The metadata has been changed meanwhile. Read it again.')
}
/** The metadata as an answer, with its ETag. */
function shown(call: Call, items: Items): { metadata: Items } {
  if (call.minor >= 15) call.reply.header('etag', etagOf(items))
  return { metadata: items }
}

export const maxItems = 128
const many = z.strictObject({ metadata })
const single = z.strictObject({
  meta: metadata.refine(
    (items) => Object.keys(items).length === 1,
    'Request body must contain exactly one item',
  ),
})

type Noun = {
  /** "volumes": the beginning of the operations' names and of their paths. */
  plural: string
  /** "volume", in sentences. */
  word: string
  id: (call: Call) => string
  read: (call: Call) => Promise<{ metadata: Items }>
  change: (call: Call, to: (before: Items) => Items) => Promise<{ metadata: Items }>
}

/** The operations on the metadata of volumes, and of snapshots alike. */
function metadataOf(noun: Noun): ApiOperation[] {
  const change = async (call: Call, to: (before: Items) => Items): Promise<Items> => {
    const changed = await noun.change(call, (before) => {
      demandSeen(call, before)
      const after = to(before)
      if (Object.keys(after).length > maxItems)
        throw new HttpError(413, `Maximum number of metadata items exceeds ${maxItems}`)
      return after
    })
    return changed.metadata
  }
  const key = (call: Call) => call.params.key ?? ''
  const noItem = (call: Call) =>
    new HttpError(
      404,
      `${capital(noun.word)} ${noun.id(call)} has no metadata with key ${key(call).slice(0, 255)}.`,
    )
  return [...ofAll(noun, change), ...ofOne(noun, { change, key, noItem })]
}

type Change = (call: Call, to: (before: Items) => Items) => Promise<Items>
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
const pathOf = ({ plural, word }: Noun) => `/${plural}/:${word}_id/metadata`

function ofAll(noun: Noun, change: Change): ApiOperation[] {
  const all = { path: pathOf(noun), status: 200 }
  return [
    {
      ...all,
      name: `${noun.plural}.metadata.list`,
      method: 'GET',
      summary: `List the metadata of a ${noun.word}`,
      access: 'read',
      handle: async (call) => shown(call, (await noun.read(call)).metadata),
    },
    {
      ...all,
      name: `${noun.plural}.metadata.create`,
      method: 'POST',
      summary: `Add or change metadata of a ${noun.word}`,
      access: 'write',
      handle: async (call) => {
        const { metadata: more } = parse(many, call.body)
        return shown(call, await change(call, (before) => ({ ...before, ...more })))
      },
    },
    {
      ...all,
      name: `${noun.plural}.metadata.replace`,
      method: 'PUT',
      summary: `Replace the metadata of a ${noun.word}`,
      access: 'write',
      handle: async (call) => {
        const { metadata: wished } = parse(many, call.body)
        return shown(call, await change(call, () => wished))
      },
    },
  ]
}

function ofOne(
  noun: Noun,
  { change, key, noItem }: { change: Change; key: (call: Call) => string; noItem: (call: Call) => HttpError },
): ApiOperation[] {
  const one = { path: `${pathOf(noun)}/:key`, names: ['key'], status: 200 }
  return [
    {
      ...one,
      name: `${noun.plural}.metadata.get`,
      method: 'GET',
      summary: `Show one metadata item of a ${noun.word}`,
      access: 'read',
      handle: async (call) => {
        const items = (await noun.read(call)).metadata
        if (!Object.hasOwn(items, key(call))) throw noItem(call)
        return { meta: { [key(call)]: items[key(call)] } }
      },
    },
    {
      ...one,
      name: `${noun.plural}.metadata.update`,
      method: 'PUT',
      summary: `Set one metadata item of a ${noun.word}`,
      access: 'write',
      handle: async (call) => {
        const { meta } = parse(single, call.body)
        if (!Object.hasOwn(meta, key(call))) throw new HttpError(400, 'Request body and URI mismatch')
        await change(call, (before) => ({ ...before, ...meta }))
        return { meta }
      },
    },
    {
      ...one,
      name: `${noun.plural}.metadata.delete`,
      method: 'DELETE',
      summary: `Remove one metadata item of a ${noun.word}`,
      access: 'write',
      handle: async (call) => {
        await change(call, (before) => {
          if (!Object.hasOwn(before, key(call))) throw noItem(call)
          const { [key(call)]: _gone, ...rest } = before
          return rest
        })
      },
    },
  ]
}

/** Cinder's documentation has this request at an address without the s. */
const alsoSingular = (operations: readonly ApiOperation[]): ApiOperation[] =>
  operations
    .filter(({ name }) => name === 'snapshots.metadata.get')
    .map((operation) => ({
      ...operation,
      name: 'snapshot.metadata.get',
      path: '/snapshot/:snapshot_id/metadata/:key',
    }))

const ofSnapshots = metadataOf({
  ...{ plural: 'snapshots', word: 'snapshot', id: (call) => snapshotOf(call).id },
  read: (call) => getSnapshot(call.ctx, snapshotOf(call)),
  change: (call, to) => changeSnapshotMetadata(call.ctx, snapshotOf(call).id, to),
})

export const metadataOperations: ApiOperation[] = [
  ...metadataOf({
    ...{ plural: 'volumes', word: 'volume', id: (call) => volumeOf(call).id },
    read: (call) => getVolume(call.ctx, volumeOf(call)),
    change: (call, to) => changeMetadata(call.ctx, volumeOf(call).id, to),
  }),
  ...ofSnapshots,
  ...alsoSingular(ofSnapshots),
]
