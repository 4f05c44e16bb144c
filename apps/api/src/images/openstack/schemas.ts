import { authorize } from '../../kernel/policy.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { diskFormats, imageStates, imageVisibilities, memberStatuses } from '../contract.ts'

const uuid = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
const string = (description: string, more: object = {}) => ({ type: 'string', description, ...more })
const text = (description: string, maxLength: number, more: object = {}) => ({
  type: ['null', 'string'],
  description,
  maxLength,
  ...more,
})
const size = (description: string) => ({ type: ['null', 'integer'], description, readOnly: true })
const flag = (description: string) => ({ type: 'boolean', description })
const ours = { readOnly: true }

/** Types, lengths and enumerations are those of Glance; the formats are those that this cloud accepts. */
const imageProperties = {
  id: string('Identifier of the image', { pattern: uuid }),
  name: text('Name of the image', 255),
  status: string('State of the image', { enum: imageStates, ...ours }),
  visibility: string('Who may use the image', { enum: imageVisibilities }),
  protected: flag('The image cannot be deleted'),
  os_hidden: flag('Lists leave the image out unless asked'),
  checksum: text('MD5 of the data', 32, ours),
  os_hash_algo: text('Algorithm of os_hash_value', 64, ours),
  os_hash_value: text('Hash of the data in hexadecimal', 128, ours),
  owner: text('Project that the image belongs to', 255),
  size: size('Bytes of the data'),
  virtual_size: size('Bytes of the disk that a guest sees'),
  container_format: text('Format of the container', 255, { enum: [null, 'bare'] }),
  disk_format: text('Format of the disk', 255, { enum: [null, ...diskFormats] }),
  created_at: string('When the image was made', ours),
  updated_at: string('When the image was changed last', ours),
  tags: {
    type: 'array',
    description: 'Words of the owner',
    items: { type: 'string', maxLength: 255 },
  },
  min_ram: { type: 'integer', description: 'Least memory of an instance, in MiB' },
  min_disk: { type: 'integer', description: 'Least disk of an instance, in GiB' },
  self: string('Address of the image', ours),
  file: string('Address of its data', ours),
  stores: string('Store of its data', ours),
  schema: string('Address of this schema', ours),
  description: string('What is on the image', { is_base: false }),
  os_admin_user: string('Name to sign in with', { is_base: false }),
}
const image = {
  name: 'image',
  properties: imageProperties,
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}
const member = {
  name: 'member',
  properties: {
    member_id: string('Project that the image is shared with'),
    image_id: string('Identifier of the image', { pattern: uuid }),
    created_at: string('Since when it is shared'),
    updated_at: string('When the member answered last'),
    status: string('What the member made of it', { enum: memberStatuses }),
    schema: { readOnly: true, type: 'string' },
  },
}
const images = {
  name: 'images',
  properties: {
    images: { type: 'array', items: image },
    schema: { type: 'string' },
    first: { type: 'string' },
    next: { type: 'string' },
  },
  links: [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}
const members = {
  name: 'members',
  properties: { members: { type: 'array', items: member }, schema: { type: 'string' } },
  links: [{ rel: 'describedby', href: '{schema}' }],
}

export const schemaOperations: ApiOperation[] = Object.entries({ image, images, member, members }).map(
  ([name, schema]) => ({
    name: `schemas.${name}`,
    method: 'GET',
    path: `/schemas/${name}`,
    summary: `Schema: ${name}`,
    status: 200,
    access: 'list',
    handle: ({ ctx }) => {
      authorize(ctx, 'image:list')
      return schema
    },
  }),
)
