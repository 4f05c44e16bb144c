import { shellLine } from '../../kit/shell.ts'

/** The stock `openstack` client's commands for the forms of backups. */

export const backupCreateCli = (
  volumeId: string,
  values: {
    name: string
    description: string
    incremental: boolean
    force: boolean
    snapshotId: string | null
  },
): string =>
  shellLine(
    ...['openstack', 'volume', 'backup', 'create', '--name', values.name.trim() || 'NAME'],
    ...(values.incremental ? ['--incremental'] : []),
    ...(values.force ? ['--force'] : []),
    ...(values.snapshotId ? ['--snapshot', values.snapshotId] : []),
    ...(values.description ? ['--description', values.description] : []),
    volumeId,
  )

type Named = { id: string; name: string; description: string }
export const backupSetCli = (before: Named, { name, description }: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'volume', 'backup', 'set', '--name', name],
    ...(description === before.description ? [] : ['--description', description]),
    before.id,
  )

/** The client restores to a volume that exists only when it is told to by force. */
export const backupRestoreCli = (id: string, volumeId: string): string =>
  shellLine('openstack', 'volume', 'backup', 'restore', '--force', id, volumeId)
/** Restores to a new volume. The newer client takes a name for a volume that exists, if there is one. */
export const backupRestoreNewCli = (id: string, name: string): string =>
  shellLine('cinder', 'backup-restore', '--name', name.trim() || 'NAME', id)
export const backupDeleteCli = (id: string): string =>
  shellLine('openstack', 'volume', 'backup', 'delete', id)
