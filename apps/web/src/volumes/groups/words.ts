import type { GroupSnapshotView, VolumeGroupView } from '@stratolith/api/volumes/groups/contract'
import { shellLine } from '../../kit/shell.ts'
import type { Adds } from '../words.ts'

/** OpenStack's clients may leave a group without a name. */
export const groupName = ({ name, id }: { name: string; id: string }): string => name || id

/** Says in a cell whether the volumes of a group snapshot belong together. */
export function instantText({ isOneInstant }: Pick<GroupSnapshotView, 'isOneInstant'>): string {
  if (isOneInstant === null) return '–'
  return isOneInstant ? 'One instant' : 'One instant for each instance and pool'
}

const gibOf = (parts: readonly { sizeGib: number }[]) => parts.reduce((sum, { sizeGib }) => sum + sizeGib, 0)

/** What a snapshot of the group takes of the quota: each part counts as much as its volume. */
export const snapshotAdds = ({ volumes }: Pick<VolumeGroupView, 'volumes'>): Adds => ({
  ...{ volumeSnapshots: volumes.length, volumeGib: gibOf(volumes) },
})

/** What a group that is made of a group snapshot takes of the quota. */
export const copyAdds = ({ snapshots }: Pick<GroupSnapshotView, 'snapshots'>): Adds => ({
  ...{ volumeGroups: 1, volumes: snapshots.length, volumeGib: gibOf(snapshots) },
})

/** Forbids a group without a name: it would be called by its ID, and its volumes by those of which they are made. */
export const nameProblem = (name: string): string | null => (name.trim() ? null : 'Give it a name.')

/** Forbids a form without a volume: it would succeed, and change nothing. */
export const volumesProblem = (ids: readonly string[]): string | null =>
  ids.length === 0 ? 'Choose at least one volume.' : null

/** What is lost with a group snapshot. Unlike single snapshots, its parts are removed at once. */
export const groupSnapshotLoss =
  'The snapshots of all its volumes are deleted at once and cannot be taken back. Volumes that were made of them keep their data.'

/** The version from which the stock client knows groups, group snapshots and their sources. */
const client = (version: string, ...words: (string | null | undefined | false)[]): string =>
  shellLine('openstack', '--os-volume-api-version', version, 'volume', 'group', ...words)

export const groupCreateCli = (
  { name, type }: { name: string; type: string | null },
  types: readonly string[],
  volumes: readonly string[],
): string => {
  const called = name.trim() || 'NAME'
  const named = types.length > 0 ? types : ['TYPE']
  return [
    client('3.13', 'create', type ?? 'GROUP-TYPE', ...named, '--name', called),
    groupVolumesCli(called, volumes),
  ].join('\n')
}
export const groupSetCli = (
  id: string,
  { name, description }: { name: string; description: string },
): string => client('3.13', 'set', '--name', name, '--description', description, id)
export const groupDeleteCli = (id: string, force: boolean): string =>
  client('3.13', 'delete', force && '--force', id)
export const groupSnapshotCli = (id: string, name: string): string =>
  client('3.14', 'snapshot', 'create', '--name', name || 'NAME', id)
export const groupSnapshotDeleteCli = (id: string): string => client('3.14', 'snapshot', 'delete', id)
/** The stock client 6.0 asks for types here, which it would not need; Cinder's own client does not. */
export const groupFromCli = (snapshotId: string, name: string): string =>
  shellLine(
    ...['cinder', '--os-volume-api-version', '3.14', 'group-create-from-src'],
    ...['--group-snapshot', snapshotId, '--name', name || 'NAME'],
  )
/** The stock client adds no volumes to a group; Cinder's own client does. */
export const groupVolumesCli = (id: string, volumes: readonly string[], remove = false): string =>
  shellLine(
    ...['cinder', '--os-volume-api-version', '3.13', 'group-update', id],
    ...[remove ? '--remove-volumes' : '--add-volumes', volumes.join(',') || 'VOLUME'],
  )
