import type { VolumeBackupScheduleModel } from '@stratolith/db'
import { type Ctx, inTransaction, systemCtx } from '../../../kernel/context.ts'
import { type CloudError, toCloudError } from '../../../kernel/errors.ts'
import type { Reconciler } from '../../../kernel/reconciler.ts'
import { lockVolume, noteVolume } from '../../row.ts'
import { backupCreateInput } from '../contract.ts'
import { createBackup, hasBackup } from '../service.ts'
import { nextTime } from './next.ts'
import { everyOf } from './service.ts'

/** How many schedules one round begins to carry out, and how soon a volume that is busy is tried again. */
const atOnce = 100
const againMs = 5 * 60_000

/** Begins the backups of volumes that are due. */
export const backupSchedules: Reconciler = {
  name: 'volumes.schedules',
  everyMs: 30_000,
  async run(ctx) {
    const due = await ctx.db.volumeBackupSchedule.findMany({
      where: { nextAt: { lte: new Date() } },
      orderBy: { nextAt: 'asc' },
      take: atOnce,
    })
    for (const schedule of due)
      await begin(ctx, schedule).catch((error: unknown) => {
        ctx.log.warn({ err: error, schedule: schedule.id }, 'an automatic backup could not begin')
      })
  },
}

/**
 * Begins one backup, and writes when the next one is due in the same transaction: two workers that see the same schedule
 * begin one, and a worker that dies begins none or writes it down.
 */
async function begin(ctx: Ctx, seen: VolumeBackupScheduleModel): Promise<void> {
  const { userId, userName } = seen
  const own = systemCtx(ctx.deps, ctx.requestId, { userId, userName })
  try {
    await inTransaction(own, async (tx) => {
      const schedule = await lockDue(tx, seen)
      if (!schedule) return
      const volume = await lockVolume(tx, 'volumeBackup:create', schedule.volumeId)
      const { id, volumeId } = schedule
      const incremental = (await hasBackup(tx, volume)) && !(await hasFailed(tx, schedule))
      const name = `${(volume.name || volume.id).slice(0, 230)} ${new Date().toISOString().slice(0, 16)}`
      const made = await createBackup(tx, backupCreateInput.parse({ volumeId, name, incremental }), id)
      const data = { lastAt: new Date(), lastBackupId: made.id, lastFailure: null, nextAt: after(schedule) }
      await tx.db.volumeBackupSchedule.update({ where: { id }, data })
    })
  } catch (error) {
    const failure = toCloudError(error)
    await noteFailure(own, seen, failure)
    if (failure.code === 'internal') throw error
  }
}

/** The schedule, if it is still due, locked after its volume as whoever sets it does. */
async function lockDue(
  tx: Ctx,
  { id, volumeId }: VolumeBackupScheduleModel,
): Promise<VolumeBackupScheduleModel | null> {
  await tx.db.$queryRaw`SELECT 1 FROM "Volume" WHERE "id" = ${volumeId}::uuid FOR UPDATE`
  await tx.db.$queryRaw`SELECT 1 FROM "VolumeBackupSchedule" WHERE "id" = ${id}::uuid FOR UPDATE`
  return tx.db.volumeBackupSchedule.findFirst({ where: { id, nextAt: { lte: new Date() } } })
}

/** After an incremental backup that has failed, such as because the store has lost the earlier one, a full one is made. */
async function hasFailed(tx: Ctx, { lastBackupId }: VolumeBackupScheduleModel): Promise<boolean> {
  if (lastBackupId === null) return false
  const last = await tx.db.volumeBackup.findUnique({ where: { id: lastBackupId } })
  return last?.state === 'error' && last.parentId !== null
}

const after = (schedule: VolumeBackupScheduleModel): Date =>
  nextTime({ ...schedule, every: everyOf(schedule) }, new Date(), schedule.nextAt)

/**
 * A volume that is busy is tried again soon; what else is in the way, such as the quota, is so the next time. A fault of ours is
 * tried again soon as well, and not in the next round: the schedules behind it have their turn.
 */
async function noteFailure(ctx: Ctx, seen: VolumeBackupScheduleModel, error: CloudError): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const schedule = await lockDue(tx, seen)
    if (!schedule) return
    const soon = new Date(Date.now() + againMs)
    const data = { nextAt: nextAfter(error, schedule, soon), lastFailure: error.message }
    await tx.db.volumeBackupSchedule.update({ where: { id: schedule.id }, data })
    const volume = await tx.db.volume.findUnique({ where: { id: schedule.volumeId } })
    if (volume) await noteVolume(tx, volume, 'updated')
  })
}

function nextAfter({ code }: CloudError, schedule: VolumeBackupScheduleModel, soon: Date): Date {
  if (code === 'internal') return soon
  const regular = after(schedule)
  return code === 'conflict' && soon < regular ? soon : regular
}
