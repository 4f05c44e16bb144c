import { CloudError } from '../kernel/errors.ts'

/** Names that Glance shows beside an image's properties, so that none of these may have them. */
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

/** Throws forbidden for what is ours alone to say, with Glance's sentences. */
export function refuseOurs(name: string): void {
  if (readOnly.has(name)) throw new CloudError('forbidden', `Attribute '${name}' is read-only.`)
  if (reserved.has(name) || name.startsWith('os_glance'))
    throw new CloudError('forbidden', `Attribute '${name}' is reserved.`)
}

/**
 * Whoever reads an image takes these for facts of it ("direct_url"), and clients act upon them: no road leads a
 * property to such a name. Those that were there before may stay. Throws forbidden.
 */
export function demandOwnNames(properties: object = {}, before: object = {}): void {
  for (const name of Object.keys(properties)) {
    if (Object.hasOwn(before, name)) continue
    refuseOurs(name)
    if (attributes.has(name)) throw new CloudError('forbidden', `Attribute '${name}' is no property.`)
  }
}
