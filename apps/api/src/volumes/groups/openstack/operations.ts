import type { ApiOperation } from '../../../openstack/operation.ts'
import { groupTypeOperations } from './group-types.ts'
import { groupCollectionOperations } from './groups.ts'
import { groupSnapshotOperations } from './snapshots.ts'

/** Cinder's operations on groups of volumes. */
export const groupOperations: ApiOperation[] = [
  ...groupTypeOperations,
  ...groupCollectionOperations,
  ...groupSnapshotOperations,
]
