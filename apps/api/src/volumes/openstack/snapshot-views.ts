import { type At, type Field, micros, shape } from '../../openstack/fields.ts'
import type { SnapshotView } from '../snapshots/contract.ts'

/** A snapshot that was never changed has no time of a change. */
type Shown = Omit<SnapshotView, 'updatedAt'> & { updatedAt: string | null }

const summaryFields: Field<Shown>[] = [
  { name: 'id', of: (snapshot) => snapshot.id },
  { name: 'name', of: (snapshot) => snapshot.name || null },
  { name: 'description', of: (snapshot) => snapshot.description || null },
  { name: 'created_at', of: (snapshot) => micros(snapshot.createdAt) },
  { name: 'updated_at', of: (snapshot) => micros(snapshot.updatedAt) },
  { name: 'volume_id', of: (snapshot) => snapshot.volume.id },
  { name: 'status', of: (snapshot) => snapshot.state },
  { name: 'size', of: (snapshot) => snapshot.sizeGib },
  { name: 'metadata', of: (snapshot) => snapshot.metadata },
]
const fields: Field<Shown>[] = [
  ...summaryFields,
  { name: 'group_snapshot_id', since: 14, of: (snapshot) => snapshot.groupSnapshotId },
  { name: 'user_id', since: 41, of: (snapshot) => snapshot.userId },
  { name: 'consumes_quota', since: 65, of: () => true },
]
/** What Cinder adds where it shows snapshots and not where it makes or changes them. */
const shownFields: Field<Shown>[] = [
  ...fields,
  { name: 'os-extended-snapshot-attributes:progress', of: progressOf },
  { name: 'os-extended-snapshot-attributes:project_id', of: (snapshot) => snapshot.projectId },
]

/** A snapshot is made in one step, so that there is nothing between none of it and all of it. */
function progressOf({ state }: Shown): string {
  return state === 'creating' || state === 'error' ? '0%' : '100%'
}

/** A snapshot in a list without details. */
export const snapshotSummary = (snapshot: SnapshotView, at: At) => shape(summaryFields, snapshot, at)
/** A snapshot that is shown. */
export const snapshotDetail = (snapshot: SnapshotView, at: At) => shape(shownFields, snapshot, at)
/** A snapshot in the answer of the request that has changed it. */
export const changedSnapshot = (snapshot: SnapshotView, at: At) => shape(fields, snapshot, at)
/** A snapshot in the answer of the request that has made it. */
export const madeSnapshot = (snapshot: SnapshotView, at: At) =>
  shape(fields, { ...snapshot, updatedAt: null }, at)
