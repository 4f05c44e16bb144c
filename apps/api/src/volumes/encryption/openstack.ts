import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { inner } from '../../openstack/schema.ts'
import { getVolume } from '../service.ts'
import type { TypeEncryption } from '../types/contract.ts'
import { typeOf } from '../types/openstack/types.ts'
import { typeOfVolume } from '../types/service.ts'
import { changeEncryption, decryptType, encryptType, typeEncryption } from './type.ts'

/** Cinder's words for the encryption of types and volumes. */

const wordsOf = ({ provider, cipher, keySize, controlLocation }: TypeEncryption) => ({
  ...{ provider, cipher, key_size: keySize, control_location: controlLocation },
})
const shown = (typeId: string, encryption: TypeEncryption) => ({
  ...{ volume_type_id: typeId, encryption_id: encryption.id },
  ...wordsOf(encryption),
})

const only = <T extends string>(value: T, says: string) => z.literal(value, { error: says })
const fields = {
  cipher: only('aes-xts-plain64', 'is aes-xts-plain64: no other cipher is carried out').nullish(),
  key_size: z
    .union([z.literal(256), z.literal(512)], {
      error: 'is 256 or 512: AES-XTS has two keys of half the size',
    })
    .nullish(),
  control_location: only('front-end', 'is front-end: the QEMU of the guest encrypts').optional(),
}
const provider = only('luks', 'is luks: no other format is carried out')
const creation = z.strictObject({ ...fields, provider })
const change = z.strictObject({ ...fields, provider: provider.optional() })

async function create(call: Call): Promise<object> {
  const { cipher = null, key_size: keySize = null } = inner(call, 'encryption', creation)
  const { id } = typeOf(call)
  const { encryption } = await encryptType(call.ctx, { id, cipher, keySize })
  return { encryption: encryption && shown(id, encryption) }
}

async function update(call: Call): Promise<object> {
  const wish = inner(call, 'encryption', change)
  await changeEncryption(call.ctx, { ...typeOf(call), cipher: wish.cipher, keySize: wish.key_size })
  return { encryption: wish }
}

async function ofType(call: Call): Promise<object> {
  const encryption = await typeEncryption(call.ctx, typeOf(call))
  return encryption ? shown(typeOf(call).id, encryption) : {}
}

async function ofVolume(call: Call): Promise<Record<string, unknown>> {
  const volume = await getVolume(call.ctx, { id: call.params.volume_id ?? '' })
  if (volume.keyId === null) return { encryption_key_id: null }
  const { encryption } = await typeOfVolume(call.ctx, volume)
  return { encryption_key_id: volume.keyId, ...(encryption ? wordsOf(encryption) : {}) }
}

async function one(call: Call, all: (call: Call) => Promise<object>): Promise<object> {
  const key = call.params.key ?? ''
  const values = new Map<string, unknown>(Object.entries(await all(call)))
  if (!values.has(key)) throw new HttpError(404, `There is no value ${key.slice(0, 255)} of this encryption.`)
  return { [key]: values.get(key) }
}

const type = { path: '/types/:type_id/encryption' }
const ofKey = { path: '/types/:type_id/encryption/:key', names: ['key'] }
const volume = { path: '/volumes/:volume_id/encryption' }
const unused = 'Only while no volume has the type, deleted ones that can be taken back included (400).'
const carried =
  'The provider is luks, the cipher aes-xts-plain64, the key_size 256 or 512 and the control_location front-end; other values are refused (400).'

export const encryptionOperations: ApiOperation[] = [
  {
    ...type,
    name: 'types.encryption.get',
    method: 'GET',
    summary: 'Show how volumes of a type are encrypted',
    status: 200,
    access: 'adminRead',
    handle: ofType,
  },
  {
    ...ofKey,
    name: 'types.encryption.key',
    method: 'GET',
    summary: 'Show one value of how volumes of a type are encrypted',
    status: 200,
    access: 'adminRead',
    handle: (call) => one(call, ofType),
  },
  {
    ...type,
    name: 'types.encryption.create',
    method: 'POST',
    summary: 'Let new volumes of a type be encrypted',
    status: 200,
    access: 'admin',
    deviation: `${carried} What is absent is shown as it is carried out: aes-xts-plain64, 512, front-end. ${unused}`,
    handle: create,
  },
  {
    ...ofKey,
    name: 'types.encryption.update',
    method: 'PUT',
    summary: 'Change how new volumes of a type are encrypted',
    status: 200,
    access: 'admin',
    deviation: `The last part of the path is not compared, because clients send “provider” there. ${carried} ${unused}`,
    handle: update,
  },
  {
    ...ofKey,
    name: 'types.encryption.delete',
    method: 'DELETE',
    summary: 'Let new volumes of a type be plain',
    status: 202,
    access: 'admin',
    deviation: `The last part of the path is not compared, because clients send “provider” there. ${unused}`,
    async handle(call) {
      await decryptType(call.ctx, typeOf(call))
    },
  },
  {
    ...volume,
    name: 'volumes.encryption.get',
    method: 'GET',
    summary: 'Show how a volume is encrypted',
    status: 200,
    access: 'read',
    deviation: 'The encryption_key_id names a key that nobody but hosts gets.',
    handle: ofVolume,
  },
  {
    path: `${volume.path}/:key`,
    names: ['key'],
    name: 'volumes.encryption.key',
    method: 'GET',
    summary: 'Show one value of how a volume is encrypted',
    status: 200,
    access: 'read',
    handle: (call) => one(call, ofVolume),
  },
]
