import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { backupsRouter } from './backups/router.ts'
import {
  leavingInput,
  poolCreateInput,
  poolInput,
  poolUpdateInput,
  volumeCreateInput,
  volumeExtendInput,
  volumeListInput,
  volumeMoveInput,
  volumePlanInput,
  volumeRetypeInput,
  volumeUpdateInput,
} from './contract.ts'
import { groupsRouter } from './groups/router.ts'
import { reimageInput, volumeImageInput } from './images/contract.ts'
import { manageableInput, snapshotManageInput, volumeManageInput } from './manage/contract.ts'
import { manageableSnapshots, manageableVolumes } from './manage/list.ts'
import { lostIn } from './manage/lost.ts'
import { manageSnapshot, manageVolume, unmanageVolume } from './manage/service.ts'
import { getPool, listPools } from './pools/list.ts'
import { createPool, deletePool, probePool, updatePool } from './pools/service.ts'
import { endReservation } from './reservations.ts'
import {
  acceptTransfer,
  createSnapshot,
  createTransfer,
  createVolume,
  deleteSnapshot,
  deleteTransfer,
  deleteVolume,
  endSnapshot,
  endVolume,
  extendVolume,
  getSnapshot,
  getTransfer,
  getVolume,
  listSnapshots,
  listSnapshotTrash,
  listTransfers,
  listTrash,
  listVolumes,
  makeVolumeImage,
  moveVolume,
  planMove,
  planVolume,
  reimageVolume,
  retypeVolume,
  revertVolume,
  stopMove,
  takeBackSnapshot,
  takeBackVolume,
  trashSummary,
  updateSnapshot,
  updateVolume,
  useVolumeAsIs,
  volumesLeaving,
} from './service.ts'
import {
  revertInput,
  snapshotCreateInput,
  snapshotListInput,
  snapshotTrashInput,
  snapshotUpdateInput,
} from './snapshots/contract.ts'
import { transferAcceptInput, transferCreateInput, transferListInput } from './transfers/contract.ts'
import { trashSummaryInput, volumeTrashInput } from './trash/contract.ts'
import { typesRouter } from './types/router.ts'

export const volumesRouter = router({
  list: procedure.input(volumeListInput).query(({ ctx, input }) => listVolumes(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getVolume(ctx.cloud, input)),
  leaving: procedure.input(leavingInput).query(({ ctx, input }) => volumesLeaving(ctx.cloud, input)),
  plan: procedure.input(volumePlanInput).query(({ ctx, input }) => planVolume(ctx.cloud, input)),
  create: procedure.input(volumeCreateInput).mutation(({ ctx, input }) => createVolume(ctx.cloud, input)),
  update: procedure.input(volumeUpdateInput).mutation(({ ctx, input }) => updateVolume(ctx.cloud, input)),
  extend: procedure.input(volumeExtendInput).mutation(({ ctx, input }) => extendVolume(ctx.cloud, input)),
  retype: procedure.input(volumeRetypeInput).mutation(({ ctx, input }) => retypeVolume(ctx.cloud, input)),
  move: procedure.input(volumeMoveInput).mutation(({ ctx, input }) => moveVolume(ctx.cloud, input)),
  stopMove: procedure.input(idInput).mutation(({ ctx, input }) => stopMove(ctx.cloud, input)),
  planMove: procedure.input(idInput).query(({ ctx, input }) => planMove(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteVolume(ctx.cloud, input)),
  trash: router({
    list: procedure.input(volumeTrashInput).query(({ ctx, input }) => listTrash(ctx.cloud, input)),
    summary: procedure.input(trashSummaryInput).query(({ ctx, input }) => trashSummary(ctx.cloud, input)),
    takeBack: procedure.input(idInput).mutation(({ ctx, input }) => takeBackVolume(ctx.cloud, input)),
    end: procedure.input(idInput).mutation(({ ctx, input }) => endVolume(ctx.cloud, input)),
  }),
  transfers: router({
    list: procedure.input(transferListInput).query(({ ctx, input }) => listTransfers(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => getTransfer(ctx.cloud, input)),
    create: procedure
      .input(transferCreateInput)
      .mutation(({ ctx, input }) => createTransfer(ctx.cloud, input)),
    accept: procedure
      .input(transferAcceptInput)
      .mutation(({ ctx, input }) => acceptTransfer(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteTransfer(ctx.cloud, input)),
  }),
  endReservation: procedure.input(idInput).mutation(({ ctx, input }) => endReservation(ctx.cloud, input)),
  useAsIs: procedure.input(idInput).mutation(({ ctx, input }) => useVolumeAsIs(ctx.cloud, input)),
  revert: procedure.input(revertInput).mutation(({ ctx, input }) => revertVolume(ctx.cloud, input)),
  makeImage: procedure
    .input(volumeImageInput)
    .mutation(({ ctx, input }) => makeVolumeImage(ctx.cloud, input)),
  reimage: procedure.input(reimageInput).mutation(({ ctx, input }) => reimageVolume(ctx.cloud, input)),
  snapshots: router({
    list: procedure.input(snapshotListInput).query(({ ctx, input }) => listSnapshots(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => getSnapshot(ctx.cloud, input)),
    create: procedure
      .input(snapshotCreateInput)
      .mutation(({ ctx, input }) => createSnapshot(ctx.cloud, input)),
    update: procedure
      .input(snapshotUpdateInput)
      .mutation(({ ctx, input }) => updateSnapshot(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteSnapshot(ctx.cloud, input)),
    trash: router({
      list: procedure
        .input(snapshotTrashInput)
        .query(({ ctx, input }) => listSnapshotTrash(ctx.cloud, input)),
      takeBack: procedure.input(idInput).mutation(({ ctx, input }) => takeBackSnapshot(ctx.cloud, input)),
      end: procedure.input(idInput).mutation(({ ctx, input }) => endSnapshot(ctx.cloud, input)),
    }),
  }),
  groups: groupsRouter,
  backups: backupsRouter,
  manage: router({
    list: procedure.input(manageableInput).query(({ ctx, input }) => manageableVolumes(ctx.cloud, input)),
    snapshots: procedure
      .input(manageableInput)
      .query(({ ctx, input }) => manageableSnapshots(ctx.cloud, input)),
    lost: procedure.input(manageableInput).query(({ ctx, input }) => lostIn(ctx.cloud, input)),
    take: procedure.input(volumeManageInput).mutation(({ ctx, input }) => manageVolume(ctx.cloud, input)),
    takeSnapshot: procedure
      .input(snapshotManageInput)
      .mutation(({ ctx, input }) => manageSnapshot(ctx.cloud, input)),
    leave: procedure.input(idInput).mutation(({ ctx, input }) => unmanageVolume(ctx.cloud, input)),
  }),
  types: typesRouter,
  pools: router({
    list: procedure.query(({ ctx }) => listPools(ctx.cloud)),
    get: procedure.input(poolInput).query(({ ctx, input }) => getPool(ctx.cloud, input)),
    probe: procedure.input(poolInput).query(({ ctx, input }) => probePool(ctx.cloud, input)),
    create: procedure.input(poolCreateInput).mutation(({ ctx, input }) => createPool(ctx.cloud, input)),
    update: procedure.input(poolUpdateInput).mutation(({ ctx, input }) => updatePool(ctx.cloud, input)),
    delete: procedure.input(poolInput).mutation(({ ctx, input }) => deletePool(ctx.cloud, input)),
  }),
})
