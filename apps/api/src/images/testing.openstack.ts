import crypto from 'node:crypto'
import { Readable } from 'node:stream'
import type { Example, Examples, Tenant } from '../openstack/testing.ts'
import type { ImageExtras, ImageView, ImageVisibility } from './contract.ts'
import { addMember, createImage, deactivateImage, uploadImage } from './service.ts'
import { qcow2 } from './testing-qcow2.ts'

const none = { make: () => ({}) }
/** Makes a complete disk image, a different one each time, of a size that a simulated host can make. */
const bytes = (): Buffer =>
  Buffer.concat([qcow2({ virtualSize: 128n * 1024n * 1024n }), crypto.randomBytes(512)])
const octets = { 'content-type': 'application/octet-stream' }

type Wish = Partial<Pick<ImageExtras, 'tags' | 'properties'>> & {
  visibility?: ImageVisibility
  data?: 'staged' | 'active'
}
async function image({ ctx, settle }: Tenant, wish: Wish = {}): Promise<ImageView> {
  const { visibility = 'shared', tags = [], properties = {} } = wish
  const plain = { description: '', minDiskGib: 0, minRamMib: 0, protected: false }
  const made = await createImage(ctx, {
    ...plain,
    name: 'disk',
    diskFormat: 'qcow2',
    visibility,
    tags,
    properties,
  })
  if (wish.data === undefined) return made
  const source = Readable.from([bytes()])
  await uploadImage(ctx, { id: made.id, source, stage: wish.data === 'staged' })
  if (wish.data === 'active') await settle()
  return made
}

/** Makes an image in another project of the caller's cloud and shares the image with the caller's project. */
async function sharedWith(tenant: Tenant): Promise<ImageView> {
  const giver = { kind: 'project', projectId: crypto.randomUUID(), projectName: 'giver', domainId: 'default' }
  const ctx = { ...tenant.ctx, scope: giver } as Tenant['ctx']
  const made = await image({ ...tenant, ctx })
  await addMember(ctx, { imageId: made.id, projectId: tenant.projectId })
  return made
}
async function withMember(tenant: Tenant): Promise<Example> {
  const { id } = await image(tenant)
  await addMember(tenant.ctx, { imageId: id, projectId: 'member' })
  return { params: { id, member_id: 'member' } }
}
const ofImage = (wish?: Wish, more: Example = {}) => ({
  make: async (tenant: Tenant): Promise<Example> => ({
    ...more,
    params: { id: (await image(tenant, wish)).id, ...more.params },
  }),
})

/** Requests of the image façade that succeed, for openstack/testing.ts. */
export const imageExamples: Examples = {
  versions: none,
  'versions.list': none,
  'images.list': {
    make: async (tenant) => {
      await image(tenant)
      return { query: { limit: '5', sort: 'name:asc', tag: '' } }
    },
    foreign: async (_own, other): Promise<Example[]> => {
      const theirs = await image(other, { tags: ['theirs'], properties: { secret: other.userId } })
      const common = await image(other, { visibility: 'community' })
      return [
        { query: { owner: other.projectId } },
        { query: { id: theirs.id } },
        { query: { tag: 'theirs' } },
        { query: { visibility: 'shared', member_status: 'all' } },
        { query: { marker: theirs.id } },
        { query: { id: common.id } },
      ]
    },
  },
  'images.create': {
    make: () => ({
      body: {
        name: 'disk',
        disk_format: 'raw',
        container_format: 'bare',
        visibility: 'private',
        min_disk: 1,
        min_ram: 64,
        protected: false,
        os_hidden: false,
        tags: ['a'],
        'some.property': 'value',
      },
    }),
    foreign: async (_own, other) => [
      { body: { name: 'disk', owner: other.projectId } },
      { body: { id: (await image(other)).id } },
    ],
  },
  'images.get': ofImage(),
  'images.update': {
    ...ofImage(
      { properties: { old: 'x' } },
      {
        body: [
          { op: 'replace', path: '/name', value: 'renamed' },
          { op: 'add', path: '/some~1property', value: 'value' },
          { op: 'remove', path: '/old' },
        ],
      },
    ),
    foreign: async (own, other) => [
      {
        params: { id: (await image(own)).id },
        body: [{ op: 'replace', path: '/owner', value: other.projectId }],
      },
      { params: { id: (await image(other)).id }, body: [] },
    ],
  },
  'images.delete': ofImage(),
  'images.tags.add': ofImage({}, { params: { tag: 'some tag' } }),
  'images.tags.remove': ofImage({ tags: ['some tag'] }, { params: { tag: 'some tag' } }),
  'images.deactivate': ofImage({ data: 'active' }),
  'images.reactivate': {
    make: async (tenant) => {
      const { id } = await image(tenant, { data: 'active' })
      await deactivateImage(tenant.ctx, { id })
      return { params: { id } }
    },
  },
  'images.file.upload': {
    make: async (tenant) => {
      const { id } = await image(tenant)
      tenant.settleBeside()
      return { params: { id }, bytes: bytes(), headers: octets }
    },
  },
  'images.file.download': ofImage({ data: 'active' }),
  'images.stage': {
    make: async (tenant) => ({
      params: { id: (await image(tenant)).id },
      bytes: bytes(),
      headers: octets,
    }),
  },
  'images.import': ofImage({ data: 'staged' }, { body: { method: { name: 'glance-direct' } } }),
  'images.members.list': { make: withMember },
  'images.members.create': {
    ...ofImage({}, { body: { member: 'somebody' } }),
    foreign: async (_own, other) => [
      { params: { id: (await image(other)).id }, body: { member: other.projectId } },
      { params: { id: other.imageId }, body: { member: other.projectId } },
    ],
  },
  'images.members.get': { make: withMember },
  'images.members.update': {
    make: async (tenant) => ({
      params: { id: (await sharedWith(tenant)).id, member_id: tenant.projectId },
      body: { status: 'accepted' },
    }),
    foreign: async (own, other) => {
      const mine = await image(own)
      await addMember(own.ctx, { imageId: mine.id, projectId: other.projectId })
      const params = { id: mine.id, member_id: other.projectId }
      return [{ params, body: { status: 'accepted' } }]
    },
  },
  'images.members.delete': { make: withMember },
  'schemas.image': none,
  'schemas.images': none,
  'schemas.member': none,
  'schemas.members': none,
  'info.import': none,
  'info.stores': none,
  'info.usage': none,
}
