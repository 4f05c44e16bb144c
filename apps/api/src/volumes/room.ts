import { Prisma } from '@stratolith/db'
import { onProjectDeleting, onProjectRemoved } from '../directory/service.ts'
import { defineTaker, refuseHostDelete } from '../hosts/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { defineQuotaParts } from '../kernel/quota.ts'
import { forgottenVolumes } from './attachments.ts'
import { backupReach } from './backups/reach.ts'
import { volumeRestoration } from './backups/restoration.ts'
import { backupSchedules } from './backups/schedules/reconcile.ts'
import { backupTrash } from './backups/trash.ts'
import { storedBackupRemoval } from './backups/unknown.ts'
import { backupCreation, backupDeletion, backupImport } from './backups/workflows.ts'
import { volumeKeys } from './encryption/reconcile.ts'
import { groupCreation, groupSnapshotCreation, groupSnapshotDeletion } from './groups/workflows.ts'
import { volumeImageMaking, volumeReimage } from './images/workflows.ts'
import { volumeLayers } from './merges.ts'
import { forgetMessages, keptMessages } from './messages/service.ts'
import { volumeMigration, volumeRetyping } from './moves/workflow.ts'
import { cinderDoor } from './openstack/door.ts'
import { volumesPolicy } from './policy.ts'
import { poolCounters } from './pools/counters.ts'
import { toldSecrets } from './pools/secrets-told.ts'
import { sharedPools } from './pools/shared.ts'
import { backupsOnHost, roomOfVolumes, volumesOnHost } from './pools.ts'
import { volumeContents } from './project-deletion.ts'
import { typesInQuota } from './quota.ts'
import { volumeLeftovers } from './reconcile.ts'
import { volumesRouter } from './router.ts'
import { snapshotTrash } from './snapshots/trash.ts'
import { snapshotCreation, snapshotDeletion, volumeReversion } from './snapshots/workflows.ts'
import { volumeTrash } from './trash/service.ts'
import { trashReconciler } from './trash/trash.ts'
import { forgetTypesOf } from './types/access.ts'
import { listVolumeTypes } from './types/service.ts'
import { volumeCreation, volumeDeletion, volumeExtension } from './workflows.ts'

declare module '../kernel/contract.ts' {
  interface QuotaResources {
    volumes: true
    volumeGib: true
    volumeSnapshots: true
    volumeGroups: true
    volumeBackups: true
    volumeBackupGib: true
    volumeGibEach: true
  }
}

const typeOfVolume = Prisma.sql`"typeId"::text`
/** A volume that moves to get another type counts under both. */
const wanted = {
  ...{ table: 'Volume', inPartsOnly: true as const },
  // A worker of an earlier version ends a move and leaves the wanted type.
  only: Prisma.sql`"wantedTypeId" IS NOT NULL AND "movingToId" IS NOT NULL`,
  ...{ part: Prisma.sql`"wantedTypeId"::text` },
}
const typeOfSnapshot = Prisma.sql`(SELECT v."typeId"::text FROM "Volume" v WHERE v."id" = "volumeId")`

export const volumesRoom = defineRoom({
  name: 'volumes',
  uses: ['directory', 'identity', 'quota', 'hosts', 'images'],
  kinds: {
    volume: { buried: true },
    volumeSnapshot: { buried: true },
    volumeBackup: {},
    volumePool: {},
    volumeType: {},
    volumeQos: {},
    ...{ volumeGroup: {}, volumeGroupSnapshot: {}, volumeGroupType: {} },
  },
  quota: {
    volumes: {
      ...{ lock: 15, words: 'volumes', limit: 20 },
      rows: [{ table: 'Volume', part: typeOfVolume }, wanted],
    },
    volumeGib: {
      lock: 16,
      words: 'GiB of volumes and snapshots',
      limit: 1_000,
      rows: [
        { table: 'Volume', amount: Prisma.sql`"reservedGib"`, part: typeOfVolume },
        { ...wanted, amount: Prisma.sql`"reservedGib"` },
        { table: 'VolumeSnapshot', amount: Prisma.sql`"sizeGib"`, part: typeOfSnapshot },
      ],
    },
    volumeSnapshots: {
      ...{ lock: 17, words: 'volume snapshots', limit: 20 },
      rows: { table: 'VolumeSnapshot', part: typeOfSnapshot },
    },
    volumeGibEach: { lock: 18, words: 'GiB in one volume', limit: -1, each: true },
    volumeGroups: { lock: 30, words: 'volume groups', limit: 10, rows: { table: 'VolumeGroup' } },
    volumeBackups: { lock: 26, words: 'volume backups', limit: 10, rows: { table: 'VolumeBackup' } },
    volumeBackupGib: {
      lock: 27,
      words: 'GiB of volume backups',
      limit: 1_000,
      rows: { table: 'VolumeBackup', amount: Prisma.sql`"sizeGib"` },
    },
  },
  policy: volumesPolicy,
  router: volumesRouter,
  openstack: [cinderDoor],
  workflows: [
    ...[volumeCreation, volumeExtension, volumeDeletion, volumeRetyping, volumeMigration],
    ...[snapshotCreation, snapshotDeletion, volumeReversion],
    ...[groupCreation, groupSnapshotCreation, groupSnapshotDeletion],
    ...[backupCreation, backupDeletion, backupImport, storedBackupRemoval, volumeRestoration],
    ...[volumeImageMaking, volumeReimage],
  ],
  reconcilers: [
    volumeLeftovers,
    sharedPools,
    poolCounters,
    toldSecrets,
    forgottenVolumes,
    volumeKeys,
    volumeLayers,
    trashReconciler([backupTrash, snapshotTrash, volumeTrash]),
    backupReach,
    backupSchedules,
  ],
  kept: [keptMessages],
  joins() {
    defineQuotaParts(typesInQuota(listVolumeTypes))
    onProjectRemoved(forgetMessages)
    onProjectRemoved(forgetTypesOf)
    for (const thing of volumeContents) onProjectDeleting(thing)
    for (const room of roomOfVolumes) defineTaker(room)
    refuseHostDelete(volumesOnHost)
    refuseHostDelete(backupsOnHost)
  },
})
