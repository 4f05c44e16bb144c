import { idInput } from '../../kernel/contract.ts'
import { procedure, router } from '../../kernel/trpc.ts'
import {
  cancelBackup,
  createBackup,
  deleteBackup,
  endBackup,
  getBackup,
  listBackups,
  listBackupTrash,
  planBackup,
  takeBackBackup,
  updateBackup,
} from '../service.ts'
import {
  backupCreateInput,
  backupListInput,
  backupPlanInput,
  backupRestoreInput,
  backupTrashInput,
  backupUpdateInput,
  storedBackupImportInput,
  storedBackupInput,
} from './contract.ts'
import { restoreBackup } from './restore.ts'
import { scheduleOfInput, scheduleSetInput } from './schedules/contract.ts'
import { getSchedule, removeSchedule, setSchedule } from './schedules/service.ts'
import { listStores } from './stores.ts'
import { importStoredBackup, listUnknownBackups, removeStoredBackup } from './unknown.ts'

export const backupsRouter = router({
  list: procedure.input(backupListInput).query(({ ctx, input }) => listBackups(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getBackup(ctx.cloud, input)),
  plan: procedure.input(backupPlanInput).query(({ ctx, input }) => planBackup(ctx.cloud, input)),
  create: procedure.input(backupCreateInput).mutation(({ ctx, input }) => createBackup(ctx.cloud, input)),
  update: procedure.input(backupUpdateInput).mutation(({ ctx, input }) => updateBackup(ctx.cloud, input)),
  restore: procedure.input(backupRestoreInput).mutation(({ ctx, input }) => restoreBackup(ctx.cloud, input)),
  cancel: procedure.input(idInput).mutation(({ ctx, input }) => cancelBackup(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteBackup(ctx.cloud, input)),
  unknown: procedure.query(({ ctx }) => listUnknownBackups(ctx.cloud)),
  importStored: procedure
    .input(storedBackupImportInput)
    .mutation(({ ctx, input }) => importStoredBackup(ctx.cloud, input)),
  removeStored: procedure
    .input(storedBackupInput)
    .mutation(({ ctx, input }) => removeStoredBackup(ctx.cloud, input)),
  stores: procedure.query(({ ctx }) => listStores(ctx.cloud)),
  schedule: router({
    get: procedure.input(scheduleOfInput).query(({ ctx, input }) => getSchedule(ctx.cloud, input)),
    set: procedure.input(scheduleSetInput).mutation(({ ctx, input }) => setSchedule(ctx.cloud, input)),
    remove: procedure.input(scheduleOfInput).mutation(({ ctx, input }) => removeSchedule(ctx.cloud, input)),
  }),
  trash: router({
    list: procedure.input(backupTrashInput).query(({ ctx, input }) => listBackupTrash(ctx.cloud, input)),
    takeBack: procedure.input(idInput).mutation(({ ctx, input }) => takeBackBackup(ctx.cloud, input)),
    end: procedure.input(idInput).mutation(({ ctx, input }) => endBackup(ctx.cloud, input)),
  }),
})
