import type { InstanceSpec } from './interface.ts'

/**
 * The ids of a guest's disks and volumes in the order of their places. A volume that is the root disk is before the
 * ephemeral and swap disks; the other volumes are after them.
 */
export function drivesOf({ disks, volumes }: Pick<InstanceSpec, 'disks' | 'volumes'>): string[] {
  const isFirst = (volume: InstanceSpec['volumes'][number]) => disks.length > 0 && volume.boot === true
  return [...volumes.filter(isFirst), ...disks, ...volumes.filter((one) => !isFirst(one))].map(({ id }) => id)
}
