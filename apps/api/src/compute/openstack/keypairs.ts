import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import { type Field, micros, shape } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink, pageQuery, queryText, refuseCut } from '../../openstack/pages.ts'
import { inner, objectAt, parse } from '../../openstack/schema.ts'
import { type KeyPairCreated, type KeyPairView, keyPairCreateInput } from '../contract.ts'
import { createKeyPair, deleteKeyPair, findKeyPairs, getKeyPair } from '../key-pairs/service.ts'
import { name } from './body.ts'
import { at } from './fields.ts'

type Shown = KeyPairView & { privateKey?: string | null }
const listed: Field<Shown>[] = [
  { name: 'name', of: (k) => k.name },
  { name: 'public_key', of: (k) => k.publicKey },
  { name: 'fingerprint', of: (k) => k.fingerprint },
  { name: 'type', since: 2, of: () => 'ssh' },
]
const made: Field<Shown>[] = [
  ...listed,
  { name: 'user_id', of: (k) => k.userId },
  { name: 'private_key', of: (k) => k.privateKey ?? undefined },
]
const shown: Field<Shown>[] = [
  ...listed,
  { name: 'user_id', of: (k) => k.userId },
  { name: 'id', of: (k) => numberOf(k.id) },
  { name: 'created_at', of: (k) => micros(k.createdAt) },
  { name: 'updated_at', of: () => null },
  { name: 'deleted_at', of: () => null },
  { name: 'deleted', of: () => false },
]
/** Clients expect an integer as id; this number does not change while the key pair exists. */
const numberOf = (id: string) => Number.parseInt(id.slice(0, 8), 16) & 0x7fffffff

const creation = (minor: number) =>
  objectAt(minor, {
    name: name.pipe(keyPairCreateInput.shape.name),
    public_key: z.string().max(16_384).optional(),
    type: {
      schema: z.enum(['ssh', 'x509']).optional(),
      since: 2,
    },
    user_id: {
      schema: z
        .string()
        .regex(/^[\w-]{1,64}$/)
        .optional(),
      since: 10,
    },
  }) as z.ZodType<{ name: string; public_key?: string; type?: 'ssh' | 'x509'; user_id?: string }>

async function create(call: Call): Promise<object> {
  const wish = inner(call, 'keypair', creation(call.minor))
  if (wish.type === 'x509')
    throw new HttpError(
      400,
      'This cloud keeps SSH keys only: no guest of ours takes a certificate of Windows.',
    )
  const { name, public_key: publicKey } = wish
  const input = parse(keyPairCreateInput, { name, publicKey }, { publicKey: 'public_key' })
  const pair: KeyPairCreated = await createKeyPair(call.ctx, { ...input, userId: wish.user_id })
  call.reply.status(call.minor >= 2 ? 201 : 200)
  return { keypair: shape(made, pair, at(call)) }
}

/**
 * Returns the user whose key pairs are meant: undefined for the caller; since 2.10 an administrator may name a user.
 */
const whose = (call: Call) => (call.minor >= 10 ? queryText(call.query, 'user_id') : undefined)

async function list(call: Call): Promise<object> {
  const paged = call.minor >= 35
  const { limit, marker } = paged ? pageQuery(call.query) : { limit: 1000, marker: undefined }
  const { pairs, more } = await findKeyPairs(call.ctx, { userId: whose(call), limit, marker })
  if (!paged) refuseCut(more, limit, '2.35')
  const last = pairs.at(-1)
  return {
    keypairs: pairs.map((pair) => ({ keypair: shape(listed, pair, at(call)) })),
    ...(paged && more && last
      ? {
          keypairs_links: [
            { rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, last.name) },
          ],
        }
      : {}),
  }
}

const item = { path: '/os-keypairs/:name', names: ['name'] }
const named = (call: Call) => ({ name: call.params.name ?? '', userId: whose(call) })

export const keypairOperations: ApiOperation[] = [
  {
    name: 'keypairs.list',
    method: 'GET',
    path: '/os-keypairs',
    summary: 'List key pairs',
    status: 200,
    access: 'anyone',
    filters: { user_id: 'nobody' },
    handle: list,
  },
  {
    name: 'keypairs.create',
    method: 'POST',
    path: '/os-keypairs',
    summary: 'Import or generate a key pair',
    status: 201,
    access: 'anyone',
    deviation: '200 at 2.1, as documented. Generated keys are ed25519, not RSA; x509 is refused.',
    handle: create,
  },
  {
    ...item,
    name: 'keypairs.get',
    method: 'GET',
    summary: 'Show a key pair',
    status: 200,
    access: 'mine',
    handle: async (call) => ({
      keypair: shape(shown, await getKeyPair(call.ctx, named(call)), at(call)),
    }),
  },
  {
    ...item,
    name: 'keypairs.delete',
    method: 'DELETE',
    summary: 'Delete a key pair',
    status: 204,
    access: 'mine',
    deviation: '202 at 2.1, as documented.',
    handle: async (call) => {
      await deleteKeyPair(call.ctx, named(call))
      call.reply.status(call.minor >= 2 ? 204 : 202)
    },
  },
]
