import type { Door } from '../../kernel/manifest.ts'
import { withoutSlash } from '../../openstack/operation.ts'
import { encryptionOperations } from '../encryption/openstack.ts'
import { groupOperations } from '../groups/openstack/operations.ts'
import { manageOperations } from '../manage/openstack.ts'
import { messageOperations } from '../messages/openstack.ts'
import { transferOperations } from '../transfers/openstack.ts'
import { trashOperations } from '../trash/openstack.ts'
import { volumeTypeOperations } from '../types/openstack/operations.ts'
import { actionOperations } from './actions.ts'
import { attachActionOperations } from './attach-actions.ts'
import { attachmentOperations } from './attachments.ts'
import { backupActionOperations } from './backup-actions.ts'
import { backupOperations } from './backups.ts'
import { consistencyGroupOperations } from './consistency-groups.ts'
import { maxMinor, rootOperations, versionOperations } from './discovery.ts'
import { imageActionOperations } from './image-actions.ts'
import { metadataOperations } from './metadata.ts'
import { otherOperations } from './others.ts'
import { poolOperations } from './pools.ts'
import { quotaOperations } from './quotas.ts'
import { inCindersWords, unknownId } from './refusals.ts'
import { serviceOperations } from './services.ts'
import { snapshotActionOperations } from './snapshot-actions.ts'
import { snapshotOperations } from './snapshots.ts'
import { summaryOperations } from './summary.ts'
import { volumeOperations } from './volumes.ts'

/** Cinder's API on the volumes of the cloud. */
export const cinderDoor: Door = {
  service: 'block-storage',
  facade: {
    prefix: '/volume',
    style: 'cinder',
    ids: 'uuid',
    microversions: { service: 'volume', min: [3, 0], max: [3, maxMinor] },
    canonicalPath: withoutSlash,
    unknownId,
    requestIdHeaders: ['x-compute-request-id'],
  },
  catalog: { name: 'cinder', path: '/volume/v3/{project_id}' },
  alsoInCatalog: [{ type: 'volumev3', name: 'cinderv3' }],
  operations: [
    { below: [''], operations: [...rootOperations, ...versionOperations] },
    {
      below: ['/v3', '/v3/:project_id'],
      operations: inCindersWords([
        ...summaryOperations,
        ...volumeOperations,
        ...metadataOperations,
        ...actionOperations,
        ...attachActionOperations,
        ...imageActionOperations,
        ...snapshotOperations,
        ...snapshotActionOperations,
        ...backupOperations,
        ...backupActionOperations,
        ...manageOperations,
        ...trashOperations,
        ...volumeTypeOperations,
        ...groupOperations,
        ...attachmentOperations,
        ...messageOperations,
        ...encryptionOperations,
        ...transferOperations,
        ...quotaOperations,
        ...poolOperations,
        ...serviceOperations,
        ...consistencyGroupOperations,
        ...otherOperations,
      ]),
    },
  ],
}
