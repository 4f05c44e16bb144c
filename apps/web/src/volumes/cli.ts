import { shellLine } from '../kit/shell.ts'

/** The stock `openstack` client's commands for the forms of this room. */

export const volumeCreateCli = (values: {
  name: string
  description: string
  sizeGib: number | string
  imageId: string | null
  snapshotId?: string | null
  sourceVolumeId?: string | null
  backupId?: string | null
  type: string | null
}): string => {
  // Not every version of the newer client can make a volume of a backup.
  if (values.backupId)
    return shellLine(
      ...['cinder', '--os-volume-api-version', '3.47', 'create', '--backup-id', values.backupId],
      ...(values.type ? ['--volume-type', values.type] : []),
      ...['--name', values.name.trim() || 'NAME', values.sizeGib || 'GIB'],
    )
  return shellLine(
    ...['openstack', 'volume', 'create', '--size', values.sizeGib || 'GIB'],
    ...(values.imageId ? ['--image', values.imageId] : []),
    ...(values.snapshotId ? ['--snapshot', values.snapshotId] : []),
    ...(values.sourceVolumeId ? ['--source', values.sourceVolumeId] : []),
    ...(values.type ? ['--type', values.type] : []),
    ...(values.description ? ['--description', values.description] : []),
    values.name.trim() || 'NAME',
  )
}

type Named = { id: string; name: string; description: string; bootable: boolean; readOnly: boolean }
export const volumeSetCli = (before: Named, after: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'volume', 'set', '--name', after.name],
    ...(after.description === before.description ? [] : ['--description', after.description]),
    ...(after.bootable === before.bootable ? [] : [after.bootable ? '--bootable' : '--non-bootable']),
    ...(after.readOnly === before.readOnly ? [] : [after.readOnly ? '--read-only' : '--read-write']),
    before.id,
  )
/** The client refuses to extend a volume that is in use, unless it is told a version of the API that allows this. */
export const volumeExtendCli = (
  { id, state }: { id: string; state: string },
  sizeGib: number | string,
): string =>
  shellLine(
    'openstack',
    ...(state === 'in-use' ? ['--os-volume-api-version', '3.42'] : []),
    ...['volume', 'set', '--size', sizeGib || 'GIB', id],
  )
export const volumeRetypeCli = (id: string, type: string | null, move: boolean): string =>
  shellLine(
    ...['openstack', 'volume', 'set', '--type', type || 'TYPE'],
    ...['--retype-policy', move ? 'on-demand' : 'never', id],
  )
export const volumeMigrateCli = (id: string, pool: string | null): string =>
  shellLine(
    'openstack',
    'volume',
    'migrate',
    '--host',
    pool ? `${pool}#${pool.split('@').at(-1)}` : 'POOL',
    id,
  )
/** The client takes a volume over for the project of its token, in which the person needs the role of an administrator. */
export const takeOverCli = (values: {
  pool: string
  ref: string
  projectId: string | null
  userId: string
  name: string
  type: string | null
}): string => {
  const project = values.projectId ?? 'PROJECT'
  return [
    shellLine('openstack', 'role', 'add', '--user', values.userId, '--project', project, 'admin'),
    shellLine(
      ...['cinder', '--os-project-id', project, 'manage'],
      ...(values.name.trim() ? ['--name', values.name.trim()] : []),
      ...(values.type ? ['--volume-type', values.type] : []),
      ...[`${values.pool}#${values.pool.split('@').at(-1)}`, values.ref],
    ),
  ].join('\n')
}
export const volumeDeleteCli = (id: string): string => shellLine('openstack', 'volume', 'delete', id)

export const volumeImageCli = (
  id: string,
  values: { name: string; diskFormat: string; visibility: string; protected: boolean; force: boolean },
): string =>
  shellLine(
    ...['openstack', 'image', 'create', '--volume', id, '--disk-format', values.diskFormat],
    ...['--container-format', 'bare', `--${values.visibility}`],
    ...(values.protected ? ['--protected'] : []),
    ...(values.force ? ['--force'] : []),
    values.name.trim() || 'NAME',
  )
export const reimageCli = (id: string, imageId: string | null): string =>
  shellLine('cinder', '--os-volume-api-version', '3.68', 'reimage', id, imageId || 'IMAGE')

export const volumeAsIsCli = (id: string): string =>
  shellLine('openstack', 'volume', 'set', '--state', 'available', id)

export const volumePropertySetCli = (id: string, key: string, value: string): string =>
  shellLine('openstack', 'volume', 'set', '--property', `${key}=${value}`, id)
export const volumePropertyUnsetCli = (id: string, key: string): string =>
  shellLine('openstack', 'volume', 'unset', '--property', key, id)

export const volumeAttachCli = (instanceId: string | null, volumeId: string | null): string =>
  shellLine('openstack', 'server', 'add', 'volume', instanceId || 'SERVER', volumeId || 'VOLUME')
export const volumeDetachCli = (instanceId: string, volumeId: string): string =>
  shellLine('openstack', 'server', 'remove', 'volume', instanceId, volumeId)

export const transferCreateCli = (volumeId: string, name: string): string =>
  shellLine(
    ...['openstack', 'volume', 'transfer', 'request', 'create'],
    ...(name.trim() ? ['--name', name.trim()] : []),
    volumeId,
  )
export const transferAcceptCli = (id: string, key: string): string =>
  shellLine(
    ...['openstack', 'volume', 'transfer', 'request', 'accept', '--auth-key', key || 'KEY', id || 'TRANSFER'],
  )
