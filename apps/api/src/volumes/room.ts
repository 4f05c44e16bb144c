import { Prisma } from '@stratolith/db'
import { onProjectDeleting, onProjectRemoved } from '../directory/service.ts'
import { defineTaker, refuseHostDelete } from '../hosts/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { forgottenVolumes } from './attachments.ts'
import { volumeLayers } from './merges.ts'
import { forgetMessages, keptMessages } from './messages/service.ts'
import { volumeMigration, volumeRetyping } from './moves/workflow.ts'
import { cinderDoor } from './openstack/door.ts'
import { volumesPolicy } from './policy.ts'
import { sharedPools } from './pools/shared.ts'
import { roomOfVolumes, volumesOnHost } from './pools.ts'
import { volumeContents } from './project-deletion.ts'
import { volumeLeftovers } from './reconcile.ts'
import { volumesRouter } from './router.ts'
import { snapshotCreation, snapshotDeletion, volumeReversion } from './snapshots/workflows.ts'
import { volumeTrash } from './trash/service.ts'
import { trashReconciler } from './trash/trash.ts'
import { volumeCreation, volumeDeletion, volumeExtension } from './workflows.ts'

declare module '../kernel/contract.ts' {
  interface QuotaResources {
    volumes: true
    volumeGib: true
    volumeSnapshots: true
  }
}

export const volumesRoom = defineRoom({
  name: 'volumes',
  uses: ['directory', 'identity', 'quota', 'hosts', 'images'],
  kinds: {
    volume: { buried: true },
    volumeSnapshot: { buried: true },
    volumeType: {},
    volumeQos: {},
    volumePool: {},
  },
  quota: {
    volumes: { lock: 15, words: 'volumes', limit: 20, rows: { table: 'Volume' } },
    volumeGib: {
      lock: 16,
      words: 'GiB of volumes and snapshots',
      limit: 1_000,
      rows: [
        { table: 'Volume', amount: Prisma.sql`"reservedGib"` },
        { table: 'VolumeSnapshot', amount: Prisma.sql`"sizeGib"` },
      ],
    },
    volumeSnapshots: { lock: 17, words: 'volume snapshots', limit: 20, rows: [{ table: 'VolumeSnapshot' }] },
  },
  policy: volumesPolicy,
  router: volumesRouter,
  openstack: [cinderDoor],
  workflows: [
    ...[volumeCreation, volumeExtension, volumeDeletion, volumeRetyping, volumeMigration],
    ...[snapshotCreation, snapshotDeletion, volumeReversion],
  ],
  reconcilers: [volumeLeftovers, sharedPools, forgottenVolumes, volumeLayers, trashReconciler([volumeTrash])],
  kept: [keptMessages],
  joins() {
    onProjectRemoved(forgetMessages)
    for (const thing of volumeContents) onProjectDeleting(thing)
    for (const room of roomOfVolumes) defineTaker(room)
    refuseHostDelete(volumesOnHost)
  },
})
