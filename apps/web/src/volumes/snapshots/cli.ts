import { shellLine } from '../../kit/shell.ts'

/** The stock `openstack` client's commands for the forms of snapshots. */

export const snapshotCreateCli = (
  volumeId: string,
  { name, description, force }: { name: string; description: string; force: boolean },
): string =>
  shellLine(
    ...['openstack', 'volume', 'snapshot', 'create', '--volume', volumeId],
    ...(force ? ['--force'] : []),
    ...(description ? ['--description', description] : []),
    name.trim() || 'NAME',
  )

type Named = { id: string; name: string; description: string }
export const snapshotSetCli = (before: Named, { name, description }: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'volume', 'snapshot', 'set', '--name', name],
    ...(description === before.description ? [] : ['--description', description]),
    before.id,
  )
export const snapshotDeleteCli = (id: string): string =>
  shellLine('openstack', 'volume', 'snapshot', 'delete', id)
export const snapshotPropertySetCli = (id: string, key: string, value: string): string =>
  shellLine('openstack', 'volume', 'snapshot', 'set', '--property', `${key}=${value}`, id)
export const snapshotPropertyUnsetCli = (id: string, key: string): string =>
  shellLine('openstack', 'volume', 'snapshot', 'unset', '--property', key, id)
