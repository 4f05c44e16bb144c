import { z } from 'zod'
import { HttpError } from '../../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { parse } from '../../../openstack/schema.ts'
import { specsInput } from '../contract.ts'
import { getVolumeType, removeTypeSpec, setTypeSpecs } from '../service.ts'
import { typeOf, whichSpecs } from './types.ts'

const key = ({ params }: Call) => params.key ?? ''
const specsAt = async (call: Call) => (await getVolumeType(call.ctx, typeOf(call))).extraSpecs
const some = specsInput.refine((specs) => Object.keys(specs).length > 0, 'must name at least one')
const all = { path: '/types/:type_id/extra_specs' }
const one = { path: '/types/:type_id/extra_specs/:key', names: ['key'] }

export const extraSpecOperations: ApiOperation[] = [
  {
    ...all,
    name: 'types.extra_specs.list',
    method: 'GET',
    summary: 'List the extra specs of a volume type',
    status: 200,
    access: 'anyone',
    handle: async (call) => ({ extra_specs: await specsAt(call) }),
  },
  {
    ...all,
    name: 'types.extra_specs.create',
    method: 'POST',
    summary: 'Add extra specs to a volume type, or change them',
    status: 200,
    access: 'admin',
    deviation: `${whichSpecs} They may be changed while volumes have the type, and count for new volumes.`,
    handle: async (call) => {
      const { extra_specs: specs } = parse(z.strictObject({ extra_specs: some }), call.body)
      await setTypeSpecs(call.ctx, { ...typeOf(call), specs })
      return { extra_specs: specs }
    },
  },
  {
    ...one,
    name: 'types.extra_specs.get',
    method: 'GET',
    summary: 'Show an extra spec of a volume type',
    status: 200,
    access: 'anyone',
    handle: async (call) => {
      const specs = await specsAt(call)
      if (!Object.hasOwn(specs, key(call)))
        throw new HttpError(404, `Volume Type has no extra specs with key ${key(call).slice(0, 255)}.`)
      return { [key(call)]: specs[key(call)] }
    },
  },
  {
    ...one,
    name: 'types.extra_specs.update',
    method: 'PUT',
    summary: 'Set an extra spec of a volume type',
    status: 200,
    access: 'admin',
    deviation: whichSpecs,
    handle: async (call) => {
      const specs = parse(some, call.body)
      if (Object.keys(specs).join() !== key(call)) throw new HttpError(400, 'Request body and URI mismatch')
      await setTypeSpecs(call.ctx, { ...typeOf(call), specs })
      return specs
    },
  },
  {
    ...one,
    name: 'types.extra_specs.delete',
    method: 'DELETE',
    summary: 'Remove an extra spec of a volume type',
    status: 202,
    access: 'admin',
    handle: async (call) => {
      await removeTypeSpec(call.ctx, { ...typeOf(call), key: key(call) })
    },
  },
]
