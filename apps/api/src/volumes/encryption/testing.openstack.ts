import type { Example, ExampleMaker, Examples } from '../../openstack/testing.ts'
import { aVolume } from '../testing.openstack.ts'
import { aType } from '../types/testing.openstack.ts'

const onType = (more: Partial<Example> = {}, encrypted = true): ExampleMaker => ({
  async make(tenant) {
    const { id } = await aType(tenant, { encrypted })
    return { ...more, params: { type_id: id, ...more.params } }
  },
})
const onVolume = (params: Record<string, string> = {}): ExampleMaker => ({
  make: async (tenant) => ({ params: { volume_id: await aVolume(tenant), ...params } }),
})

/** Requests on the encryption of types and volumes that succeed, for the matrix and the fuzz. */
export const encryptionExamples: Examples = {
  'types.encryption.get': onType(),
  'types.encryption.key': onType({ params: { key: 'cipher' } }),
  'types.encryption.create': onType(
    {
      body: { encryption: { provider: 'luks', cipher: null, key_size: 256, control_location: 'front-end' } },
    },
    false,
  ),
  'types.encryption.update': onType({
    params: { key: 'provider' },
    body: { encryption: { provider: 'luks', key_size: 512 } },
  }),
  'types.encryption.delete': onType({ params: { key: 'provider' } }),
  'volumes.encryption.get': onVolume(),
  'volumes.encryption.key': onVolume({ key: 'encryption_key_id' }),
}
