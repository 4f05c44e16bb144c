import { CloudError } from '../kernel/errors.ts'

/** Names that Glance shows beside the properties of an image, so that no property may have such a name. */
const readOnly = new Set(
  [
    'id created_at updated_at status checksum size virtual_size direct_url self file schema stores',
    'os_hash_algo os_hash_value locations',
  ].flatMap((line) => line.split(' ')),
)
const reserved = new Set(['location', 'deleted', 'deleted_at'])
const attributes = new Set(
  'name description visibility protected os_hidden min_disk min_ram disk_format container_format tags owner'.split(
    ' ',
  ),
)

/** Throws forbidden, with the sentences of Glance, for names that only the cloud may set. */
export function refuseOurs(name: string): void {
  if (readOnly.has(name)) throw new CloudError('forbidden', `Attribute '${name}' is read-only.`)
  if (reserved.has(name) || name.startsWith('os_glance'))
    throw new CloudError('forbidden', `Attribute '${name}' is reserved.`)
}

/**
 * Refuses properties whose names only the cloud may set. Readers of an image take such names ("direct_url") for facts,
 * and clients act on them, so no operation may create such a property. Properties that existed `before` may stay.
 * Throws forbidden.
 */
export function demandOwnNames(properties: object = {}, before: object = {}): void {
  for (const name of Object.keys(properties)) {
    if (Object.hasOwn(before, name)) continue
    refuseOurs(name)
    if (attributes.has(name)) throw new CloudError('forbidden', `Attribute '${name}' is no property.`)
  }
}
