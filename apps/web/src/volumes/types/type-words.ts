import type { VolumeTypeView } from '@stratolith/api/volumes/contract'

/** Says what the speed limits of a type do, and which other types have the same ones. */
export function limitsText({ id, qos }: Pick<VolumeTypeView, 'id' | 'qos'>): string {
  if (qos?.consumer === 'back-end')
    return 'They are for the storage (back-end), and no storage of this cloud carries limits out: they have no effect.'
  const others = qos?.types.filter((type) => type.id !== id).map(({ name }) => name) ?? []
  const shared =
    others.length === 0 ? '' : ` The same limits hold for ${others.join(', ')}: a change counts there, too.`
  return `Volumes of this type are no faster, and running instances get a change at once. Keys begin with total_, read_ or write_, then come iops_sec or bytes_sec; with _per_gb a limit grows with the volume, with _max it is a short burst.${shared}`
}
