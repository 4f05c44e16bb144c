import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import { diskFormats, type ImageChange, type ImageView, imageBounds, imageVisibilities } from '../contract.ts'

/** Limits of properties and tags that an owner may put on an image (R6). */
const { properties: maxProperties, propertiesBytes: maxPropertiesBytes } = imageBounds
export const maxTags = imageBounds.tags

const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0\p{Cs}]*$/u, 'There must be no NUL characters.')
export const tagInput = text(255).min(1)

const foreign = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'vdi', 'iso', 'ploop']
const diskFormat = z
  .enum(diskFormats, {
    error: ({ input }) =>
      typeof input === 'string' && foreign.includes(input)
        ? `Images of format ${input} are not taken here: convert it first, for example with qemu-img convert -O qcow2. Formats: raw, qcow2.`
        : 'disk_format must be raw or qcow2.',
  })
  .nullable()
const containerFormat = z
  .literal('bare', { error: 'container_format must be bare: other containers are not unpacked here.' })
  .nullable()

/** The attributes of an image that its owner may set, with Glance's names and types. */
const attributes = {
  name: text(255)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'A name has no control characters or line breaks.')
    .nullable(),
  visibility: z.enum(imageVisibilities),
  protected: z.boolean(),
  os_hidden: z.boolean(),
  min_disk: z.number().int().min(0).max(65_536),
  min_ram: z.number().int().min(0).max(16_777_216),
  disk_format: diskFormat,
  container_format: containerFormat,
  tags: z
    .array(tagInput)
    .max(1000)
    .transform((tags) => [...new Set(tags)]),
  description: text(1000),
}
export const settable = z.object(attributes).partial()
export type Settable = z.output<typeof settable>
export const isSettable = (name: string): name is keyof typeof attributes => Object.hasOwn(attributes, name)

/** Reads a custom property: a name that is no attribute of Glance, with a string as its value. Throws 400. */
export function customProperty(name: string, value: unknown): string {
  if (name === '' || name.length > 255 || /[\p{Cc}\p{Cs}]/u.test(name))
    throw new HttpError(
      400,
      'The name of a property has 1 to 255 characters and no control characters among them.',
    )
  const parsed = text(65_535).safeParse(value)
  if (!parsed.success) throw new HttpError(400, `The value of the property ${quoted(name)} must be a string.`)
  return parsed.data
}
const quoted = (name: string) => `'${name.slice(0, 100)}'`

/** Throws 413 when properties or tags exceed the limits of an image. */
export function boundExtras(properties: Record<string, string>, tags: readonly string[]): void {
  if (Object.keys(properties).length > maxProperties)
    throw new HttpError(413, `An image has at most ${maxProperties} properties.`)
  if (Buffer.byteLength(JSON.stringify(properties)) > maxPropertiesBytes)
    throw new HttpError(413, `The properties of an image have at most ${maxPropertiesBytes} bytes together.`)
  if (tags.length > maxTags) throw new HttpError(413, `An image has at most ${maxTags} tags.`)
}

/** Translates attributes from Glance's names to the cloud's names; an attribute that is absent does not change. */
export function changeOf(set: Settable): ImageChange {
  return {
    ...(set.name === undefined ? {} : { name: set.name ?? '' }),
    ...(set.description === undefined ? {} : { description: set.description }),
    ...(set.visibility === undefined ? {} : { visibility: set.visibility }),
    ...(set.protected === undefined ? {} : { protected: set.protected }),
    ...(set.os_hidden === undefined ? {} : { hidden: set.os_hidden }),
    ...(set.min_disk === undefined ? {} : { minDiskGib: set.min_disk }),
    ...(set.min_ram === undefined ? {} : { minRamMib: set.min_ram }),
    ...(set.disk_format === undefined ? {} : { diskFormat: set.disk_format }),
    ...(set.container_format === undefined ? {} : { containerFormat: set.container_format }),
    ...(set.tags === undefined ? {} : { tags: set.tags }),
  }
}

/** Refuses a change of the format once the image has data: from then on the data determines the format. */
export function refuseLateFormat(before: ImageView, set: Settable): void {
  if (before.state === 'queued') return
  for (const [name, value, now] of [
    ['disk_format', set.disk_format, before.diskFormat],
    ['container_format', set.container_format, before.containerFormat],
  ] as const)
    if (value !== undefined && value !== now)
      throw new HttpError(403, `Attribute ${name} can be only replaced for a queued image.`)
}
