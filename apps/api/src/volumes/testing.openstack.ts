import { systemCtx } from '../kernel/context.ts'
import type { Example, ExampleMaker, Examples, Tenant } from '../openstack/testing.ts'
import { poolCreateInput, volumeCreateInput } from './contract.ts'
import { tellFailure } from './messages/service.ts'
import { createPool } from './pools/service.ts'
import { announceDetachment, reserveByAttachment, reserveVolume } from './reservations.ts'
import {
  changeImageMetadata,
  changeMetadata,
  createSnapshot,
  createTransfer,
  createVolume,
} from './service.ts'
import { snapshotCreateInput } from './snapshots/contract.ts'
import { transferCreateInput } from './transfers/contract.ts'
import { volumeTypeExamples } from './types/testing.openstack.ts'

/** Makes an available volume of the tenant. */
export async function aVolume({ ctx, settle }: Tenant, patch: object = {}): Promise<string> {
  const { id } = await createVolume(ctx, volumeCreateInput.parse({ name: 'data', sizeGib: 1, ...patch }))
  await settle()
  return id
}
const plain: ExampleMaker = { make: () => ({}) }
const on = (body?: unknown): ExampleMaker => ({
  make: async (tenant) => ({
    params: { volume_id: await aVolume(tenant) },
    ...(body === undefined ? {} : { body }),
  }),
})
const withItem = (body?: unknown): ExampleMaker => ({
  async make(tenant): Promise<Example> {
    const id = await aVolume(tenant)
    await changeMetadata(tenant.ctx, id, () => ({ a: 'b' }))
    return { params: { volume_id: id, key: 'a' }, ...(body === undefined ? {} : { body }) }
  },
})
const ofProject = (more: Partial<Example> = {}): ExampleMaker => ({
  make: ({ projectId }) => ({ params: { tenant_id: projectId }, ...more }),
})

/** An image that only the other tenant sees. */
async function hiddenImage({ deps, projectId }: Tenant): Promise<string> {
  const { id } = await deps.root.image.create({
    data: {
      id: crypto.randomUUID(),
      projectId,
      name: 'hidden',
      state: 'active',
      diskFormat: 'qcow2',
      virtualBytes: 1024n,
      blobId: 'a'.repeat(64),
    },
  })
  return id
}

/** A snapshot that only the other tenant sees. */
async function hiddenSnapshot(tenant: Tenant): Promise<string> {
  const volumeId = await aVolume(tenant)
  const { id } = await createSnapshot(tenant.ctx, snapshotCreateInput.parse({ volumeId }))
  await tenant.settle()
  return id
}

const foreignList: ExampleMaker = {
  make: () => ({}),
  foreign: async (_tenant, other): Promise<Example[]> => {
    await aVolume(other)
    return [{ query: { all_tenants: '1' } }, { query: { project_id: other.projectId, all_tenants: 'True' } }]
  },
}

/** A transfer of a volume of the tenant, with its key. */
export async function aTransfer(tenant: Tenant): Promise<{ id: string; key: string; volumeId: string }> {
  const volumeId = await aVolume(tenant)
  return createTransfer(tenant.ctx, transferCreateInput.parse({ volumeId, name: 'offer' }))
}
const transferExamples = (noun: string): Examples => {
  const on: ExampleMaker = {
    make: async (tenant) => ({ params: { transfer_id: (await aTransfer(tenant)).id } }),
  }
  return {
    [`${noun}.list`]: plain,
    [`${noun}.detail`]: plain,
    [`${noun}.get`]: on,
    [`${noun}.delete`]: on,
    [`${noun}.create`]: {
      make: async (tenant) => ({ body: { transfer: { volume_id: await aVolume(tenant), name: 'offer' } } }),
    },
    [`${noun}.accept`]: {
      async make(tenant) {
        const { id, key } = await aTransfer(tenant)
        return { params: { transfer_id: id }, body: { accept: { auth_key: key } } }
      },
    },
  }
}

/** The attachment of a volume of the tenant to a server that is gone. */
const onAttachment = (body?: unknown): ExampleMaker => ({
  async make(tenant) {
    const [id, volumeId] = [crypto.randomUUID(), await aVolume(tenant)]
    const data = { id, volumeId, instanceId: crypto.randomUUID(), device: '/dev/vdb', state: 'attached' }
    await tenant.deps.root.volumeAttachment.create({ data })
    await tenant.deps.root.volume.update({ where: { id: volumeId }, data: { state: 'in-use' } })
    return { params: { attachment_id: id }, ...(body === undefined ? {} : { body }) }
  },
})

/** A volume of the tenant that a server has which is gone. */
const onAttached = (body?: unknown): ExampleMaker => ({
  async make(tenant) {
    const { params } = await onAttachment().make(tenant)
    const id = params?.attachment_id ?? ''
    const { volumeId } = await tenant.deps.root.volumeAttachment.findUniqueOrThrow({ where: { id } })
    return { params: { volume_id: volumeId }, ...(body === undefined ? {} : { body }) }
  },
})

/** A message about a volume of the tenant. */
export async function aMessage({ ctx, projectId }: Tenant): Promise<{ id: string; resourceId: string }> {
  const [id, resourceId] = [crypto.randomUUID(), crypto.randomUUID()]
  const about = { resource: 'VOLUME', resourceId, projectId, action: 'extendVolume' } as const
  await tellFailure({ ctx, operationId: id }, about, { message: 'The disk is full.' })
  return { id, resourceId }
}
const onMessage: ExampleMaker = {
  make: async (tenant) => ({ params: { message_id: (await aMessage(tenant)).id } }),
}

/** A volume that is deleted and can be taken back. */
const onDeleted: ExampleMaker = {
  async make(tenant): Promise<Example> {
    const id = await aVolume(tenant)
    const trashedUntil = new Date(Date.now() + 600_000)
    await tenant.deps.root.volume.update({ where: { id }, data: { trashedUntil } })
    return { params: { id } }
  },
}

const aType = async ({ deps }: Tenant): Promise<string> =>
  (await deps.root.volumeType.create({ data: { id: crypto.randomUUID(), name: crypto.randomUUID() } })).id

/** A pool that all machines reach. */
async function aPool({ deps }: Tenant): Promise<string> {
  const name = crypto.randomUUID()
  const place = { driver: 'files' as const, path: '/srv/volumes' }
  return (await createPool(systemCtx(deps, 'example'), poolCreateInput.parse({ name, place }))).name
}

/** A pool that can be opened and closed. */
const onPool = (more: object = {}): ExampleMaker => ({
  make: async (tenant) => ({ body: { host: await aPool(tenant), binary: 'cinder-volume', ...more } }),
})

/** Requests about consistency groups, of which there are none. */
const noGroups = (noun: string, parameter: string, more: readonly string[]): Examples =>
  Object.fromEntries(
    ['list', 'detail', 'create', 'get', ...more].map((verb) => [
      `${noun}.${verb}`,
      { make: () => ({ params: { [parameter]: crypto.randomUUID() }, body: {} }) },
    ]),
  )

/** Requests of Cinder's API that succeed for their owner, for the matrix and the fuzz. */
export const volumeExamples: Examples = {
  'versions.list': plain,
  'versions.v3': plain,
  'versions.v3/': plain,
  'volumes.list': foreignList,
  'volumes.detail': foreignList,
  'volumes.summary': plain,
  'resource_filters.list': plain,
  'attachments.list': plain,
  'attachments.detail': plain,
  'attachments.get': onAttachment(),
  'attachments.create': {
    make: async (tenant) => ({
      body: { attachment: { volume_uuid: await aVolume(tenant), instance_uuid: crypto.randomUUID() } },
    }),
  },
  'attachments.update': onAttachment({ attachment: { connector: { host: 'h' } } }),
  'attachments.delete': {
    async make(tenant) {
      const wish = { volumeId: await aVolume(tenant), instanceId: crypto.randomUUID(), readOnly: false }
      return { params: { attachment_id: (await reserveByAttachment(tenant.ctx, wish)).id } }
    },
  },
  'attachments.os-complete': onAttachment(),
  'messages.list': plain,
  'messages.get': onMessage,
  'deleted.list': plain,
  'deleted.take_back': onDeleted,
  'messages.delete': onMessage,
  ...transferExamples('os-volume-transfer'),
  ...transferExamples('volume-transfers'),
  'volumes.create': {
    make: ({ imageId }) => ({
      body: { volume: { size: 1, name: 'data', metadata: { a: 'b' }, imageRef: imageId } },
    }),
    foreign: async (_tenant, other) => [
      { body: { volume: { size: 1, imageRef: await hiddenImage(other) } } },
      { body: { volume: { size: 1, source_volid: await aVolume(other) } } },
      { body: { volume: { size: 1, snapshot_id: await hiddenSnapshot(other) } } },
    ],
  },
  'volumes.get': on(),
  'volumes.update': on({ volume: { name: 'new', description: 'd', metadata: { c: 'd' } } }),
  'volumes.delete': on(),
  'volumes.metadata.list': on(),
  'volumes.metadata.create': on({ metadata: { a: 'b' } }),
  'volumes.metadata.replace': on({ metadata: { a: 'b' } }),
  'volumes.metadata.get': withItem(),
  'volumes.metadata.update': withItem({ meta: { a: 'c' } }),
  'volumes.metadata.delete': withItem(),
  'volumes.os-volume_upload_image': on({ image_name: 'made', disk_format: 'qcow2' }),
  'volumes.os-reimage': {
    make: async (tenant) => ({
      params: { volume_id: await aVolume(tenant) },
      body: { image_id: tenant.imageId },
    }),
    foreign: async (tenant, other) => [
      { params: { volume_id: await aVolume(tenant) }, body: { image_id: await hiddenImage(other) } },
    ],
  },
  'volumes.os-set_image_metadata': on({ metadata: { os_type: 'linux' } }),
  'volumes.os-unset_image_metadata': {
    async make(tenant) {
      const id = await aVolume(tenant)
      await changeImageMetadata(tenant.ctx, id, () => ({ os_type: 'linux' }))
      return { params: { volume_id: id }, body: { key: 'os_type' } }
    },
  },
  'volumes.os-show_image_metadata': on(),
  'volumes.os-extend': on({ new_size: 2 }),
  'volumes.os-set_bootable': on({ bootable: true }),
  'volumes.os-retype': {
    async make(tenant) {
      const type = await aType(tenant)
      return { params: { volume_id: await aVolume(tenant) }, body: { new_type: type } }
    },
  },
  'volumes.os-migrate_volume': {
    make: async (tenant) => ({
      params: { volume_id: await aVolume(tenant) },
      body: { host: `${await aPool(tenant)}#any` },
    }),
  },
  'volumes.os-migrate_volume_completion': on({ new_volume: crypto.randomUUID(), error: false }),
  'volumes.os-update_readonly_flag': on({ readonly: true }),
  'volumes.os-reserve': on(),
  'volumes.os-unreserve': {
    async make(tenant) {
      const id = await aVolume(tenant)
      await reserveVolume(tenant.ctx, { id })
      return { params: { volume_id: id } }
    },
  },
  'volumes.os-begin_detaching': onAttached(),
  'volumes.os-roll_detaching': {
    async make(tenant) {
      const example = await onAttached().make(tenant)
      await announceDetachment(tenant.ctx, { id: example.params?.volume_id ?? '' })
      return example
    },
  },
  'volumes.os-attach': on({ instance_uuid: crypto.randomUUID(), mountpoint: '/dev/vdc', mode: 'rw' }),
  'volumes.os-detach': onAttached({}),
  'volumes.os-force_detach': onAttached({}),
  'volumes.os-initialize_connection': on({ connector: { host: 'h' } }),
  'volumes.os-terminate_connection': onAttached({ connector: { host: 'h' } }),
  'volumes.os-reset_status': on({ status: 'error' }),
  'volumes.os-force_delete': on(),
  ...volumeTypeExamples,
  'quotas.get': {
    ...ofProject(),
    foreign: (_tenant, other) => [{ params: { tenant_id: other.projectId }, query: { usage: 'True' } }],
  },
  'quotas.defaults': ofProject(),
  'quotas.update': ofProject({ body: { quota_set: { volumes: -1, gigabytes: '-1' } } }),
  'quotas.delete': {
    async make(tenant) {
      // The example uses a project of its own, because the tenant itself has no limits.
      const id = crypto.randomUUID().replaceAll('-', '')
      await tenant.deps.root.project.create({ data: { id, domainId: tenant.domainId, name: id } })
      return { params: { tenant_id: id } }
    },
  },
  'quota_classes.get': { make: () => ({ params: { id: 'default' } }) },
  'quota_classes.update': {
    make: () => ({ params: { id: 'default' }, body: { quota_class_set: { volumes: 21 } } }),
  },
  'zones.list': plain,
  'limits.get': plain,
  'extensions.list': plain,
  'extensions.get': { make: () => ({ params: { alias: 'os-services' } }) },
  'services.list': plain,
  'services.enable': onPool(),
  'services.disable': onPool(),
  'services.disable-log-reason': onPool({ disabled_reason: 'lunch' }),
  'services.freeze': { make: async (tenant) => ({ body: { host: await aPool(tenant) } }) },
  'services.thaw': { make: async (tenant) => ({ body: { host: await aPool(tenant) } }) },
  'services.get-log': { make: () => ({ body: { binary: 'cinder-volume' } }) },
  'services.set-log': { make: () => ({ body: { level: 'ERROR' } }) },
  ...Object.fromEntries(
    ['failover_host', 'failover'].map((verb) => [
      `services.${verb}`,
      { make: () => ({ body: { host: 'a@local' } }) },
    ]),
  ),
  'clusters.list': plain,
  'clusters.detail': plain,
  'clusters.get': { make: () => ({ params: { name: 'c' } }) },
  'clusters.enable': { make: () => ({ body: { name: 'c' } }) },
  'clusters.disable': { make: () => ({ body: { name: 'c', disabled_reason: 'lunch' } }) },
  'workers.cleanup': { make: () => ({ body: { binary: 'cinder-volume' } }) },
  ...noGroups('consistencygroups', 'consistencygroup_id', ['create_from_src', 'update', 'delete']),
  ...noGroups('cgsnapshots', 'cgsnapshot_id', ['delete']),
  'pools.list': { make: () => ({ query: { detail: 'True' } }) },
  'capabilities.get': { make: async (tenant) => ({ params: { host: await aPool(tenant) } }) },
  'hosts.list': plain,
  'hosts.get': { make: async (tenant) => ({ params: { host: await aPool(tenant) } }) },
}
