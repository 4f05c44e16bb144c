/** Leaves room for both parts of a name, and for a number. */
const most = 120

/**
 * Names the volumes of a group that is made of another one, so that nothing has the name of the volume from which it comes:
 * “copy-data” is what the group “copy” has of “data”. Volumes without a name get a number. Cinder gives such volumes no
 * name at all, by which nobody finds them.
 */
export function copyNames<V extends { name: string }>(group: string, volumes: readonly V[]): Map<V, string> {
  const named = (name: string) =>
    group === '' ? `${name.slice(0, most)}-copy` : `${group.slice(0, most)}-${name.slice(0, most)}`
  return new Map(volumes.map((volume, index) => [volume, named(volume.name || `volume-${index + 1}`)]))
}
