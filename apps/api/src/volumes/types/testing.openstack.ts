import type { Example, ExampleMaker, Examples, Tenant } from '../../openstack/testing.ts'
import { grantType, setDefaultType } from './access.ts'
import { type QosView, qosCreateInput, type VolumeTypeView, volumeTypeCreateInput } from './contract.ts'
import { associateQos, createQos } from './qos.ts'
import { createVolumeType, listVolumeTypes } from './service.ts'

const aName = (what: string) => `${what}-${crypto.randomUUID().slice(0, 8)}`

/** A new type with one extra spec. */
export const aType = ({ admin }: Pick<Tenant, 'admin'>, patch: object = {}): Promise<VolumeTypeView> =>
  createVolumeType(
    admin,
    volumeTypeCreateInput.parse({ name: aName('type'), extraSpecs: { 'a:b': 'c' }, ...patch }),
  )
/** New QoS specs for the guest. */
export const aQos = ({ admin }: Pick<Tenant, 'admin'>, patch: object = {}): Promise<QosView> =>
  createQos(
    admin,
    qosCreateInput.parse({
      ...{ name: aName('qos'), consumer: 'front-end', specs: { total_iops_sec: '500' } },
      ...patch,
    }),
  )

const onType = (more: Partial<Example> = {}, patch: object = {}): ExampleMaker => ({
  async make(tenant) {
    const { id } = await aType(tenant, patch)
    return { ...more, params: { type_id: id, ...more.params } }
  },
})
const onQos = (more: Partial<Example> = {}): ExampleMaker => ({
  make: async (tenant) => ({ ...more, params: { qos_id: (await aQos(tenant)).id } }),
})
/** QoS specs that a type has. */
const onBoth = (isJoined: boolean): ExampleMaker => ({
  async make(tenant) {
    const [{ id }, type] = [await aQos(tenant), await aType(tenant)]
    if (isJoined) await associateQos(tenant.admin, { id, typeId: type.id })
    return { params: { qos_id: id }, query: { vol_type_id: type.id } }
  },
})
/** The tenant's project with a default type of its own. */
const onDefault = (): ExampleMaker => ({
  async make(tenant) {
    const { projectId } = tenant
    await setDefaultType(tenant.admin, { projectId, type: (await aType(tenant)).id })
    return { params: { default_project_id: projectId } }
  },
})
const spec = (more: Partial<Example> = {}) => onType({ ...more, params: { key: 'a:b' } })
/** A type that only the other tenant may use. */
const hiddenType = async (tenant: Tenant, other: Tenant): Promise<Example[]> => {
  const { id } = await aType(tenant, { public: false })
  await grantType(tenant.admin, { id, projectId: other.projectId })
  return [{ params: { type_id: id } }]
}

/** Requests on types and QoS specs that succeed, for the matrix and the fuzz. */
export const volumeTypeExamples: Examples = {
  'types.list': { make: () => ({}) },
  'types.default': { make: () => ({}) },
  'types.create': {
    make: () => ({
      body: {
        volume_type: {
          ...{ name: aName('type'), description: null, extra_specs: { 'a:b': 'c' } },
          'os-volume-type-access:is_public': true,
        },
      },
    }),
  },
  'types.get': {
    make: async ({ ctx }) => ({ params: { type_id: (await listVolumeTypes(ctx))[0]?.id ?? '' } }),
    foreign: hiddenType,
  },
  'types.update': onType({ body: { volume_type: { description: 'new', is_public: false } } }),
  'types.delete': onType(),
  'types.extra_specs.list': onType(),
  'types.extra_specs.create': onType({ body: { extra_specs: { 'd:e': 'f' } } }),
  'types.extra_specs.get': {
    async make({ admin }) {
      // Everybody sees this one.
      const key = 'RESKEY:availability_zones'
      const { id } = await aType({ admin }, { extraSpecs: { [key]: 'nova' } })
      return { params: { type_id: id, key } }
    },
  },
  'types.extra_specs.update': spec({ body: { 'a:b': 'd' } }),
  'types.extra_specs.delete': spec(),
  'types.access.list': onType({}, { public: false }),
  'types.addProjectAccess': {
    async make(tenant) {
      const { id } = await aType(tenant, { public: false })
      return { params: { type_id: id }, body: { project: tenant.projectId } }
    },
  },
  'types.removeProjectAccess': {
    async make(tenant) {
      const { id } = await aType(tenant, { public: false })
      await grantType(tenant.admin, { id, projectId: tenant.projectId })
      return { params: { type_id: id }, body: { project: tenant.projectId } }
    },
  },
  'default_types.list': { make: () => ({}) },
  'default_types.get': onDefault(),
  'default_types.set': {
    make: async (tenant) => ({
      params: { default_project_id: tenant.projectId },
      body: { default_type: { volume_type: (await aType(tenant)).name } },
    }),
  },
  'default_types.unset': onDefault(),
  'qos.list': { make: () => ({}) },
  'qos.create': {
    make: () => ({
      body: { qos_specs: { name: aName('qos'), consumer: 'both', total_iops_sec: '500' } },
    }),
  },
  'qos.get': onQos(),
  'qos.update': onQos({ body: { qos_specs: { total_iops_sec: '600' } } }),
  'qos.delete': onQos(),
  'qos.delete_keys': onQos({ body: { keys: ['total_iops_sec'] } }),
  'qos.associations': onBoth(true),
  'qos.associate': onBoth(false),
  'qos.disassociate': onBoth(true),
  'qos.disassociate_all': onBoth(true),
}
