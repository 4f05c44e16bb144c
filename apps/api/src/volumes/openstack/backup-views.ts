import { type At, type Field, links, micros, shape } from '../../openstack/fields.ts'
import type { BackupView } from '../backups/contract.ts'

const summaryFields: Field<BackupView>[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'name', of: ({ name }) => name || null },
  { name: 'links', of: ({ id }, at) => links(at, `backups/${id}`) },
]
const fields: Field<BackupView>[] = [
  ...summaryFields,
  { name: 'status', of: ({ state }) => state },
  { name: 'size', of: ({ sizeGib }) => sizeGib },
  { name: 'object_count', of: ({ chunks }) => chunks ?? 0 },
  { name: 'availability_zone', of: ({ zone }) => zone },
  { name: 'container', of: ({ container }) => container },
  { name: 'created_at', of: ({ createdAt }) => micros(createdAt) },
  { name: 'updated_at', of: ({ updatedAt }) => micros(updatedAt) },
  { name: 'description', of: ({ description }) => description || null },
  { name: 'fail_reason', of: ({ error }) => error },
  { name: 'volume_id', of: ({ volume }) => volume.id },
  { name: 'is_incremental', of: ({ parentId }) => parentId !== null },
  // Every backup is whole by itself, so that each can be deleted.
  { name: 'has_dependent_backups', of: () => false },
  { name: 'snapshot_id', of: ({ snapshotId }) => snapshotId },
  { name: 'data_timestamp', of: ({ dataTimestamp }) => micros(dataTimestamp) },
  { name: 'os-backup-project-attr:project_id', since: 18, of: ({ projectId }) => projectId },
  { name: 'metadata', since: 43, of: ({ metadata }) => metadata },
  { name: 'user_id', since: 56, of: ({ userId }) => userId },
  { name: 'encryption_key_id', since: 64, of: ({ keyId }) => keyId ?? undefined },
]

/** A backup in a list without details, and in the answer of the request that has made or changed it. */
export const backupSummary = (backup: BackupView, at: At) => shape(summaryFields, backup, at)
/** A backup that is shown. */
export const backupDetail = (backup: BackupView, at: At) => shape(fields, backup, at)
