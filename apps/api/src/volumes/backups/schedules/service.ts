import type { VolumeBackupScheduleModel } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../../kernel/context.ts'
import { authorize } from '../../../kernel/policy.ts'
import { wakeReconciler } from '../../../kernel/reconciler.ts'
import { recordOperation } from '../../../kernel/workflow.ts'
import { volumeCan } from '../../contract.ts'
import { demand, historyOf, loadVolume, lockVolume, noteVolume } from '../../row.ts'
import { backupStateOf } from '../row.ts'
import type { ScheduleView, scheduleOfInput, scheduleSetInput } from './contract.ts'
import { nextTime, type Times } from './next.ts'
import { trimSchedule } from './trim.ts'

/** A volume that is backed up automatically has one schedule. */

/** The schedule of a volume; null when the volume has none. */
export async function getSchedule(
  ctx: Ctx,
  { volumeId }: z.output<typeof scheduleOfInput>,
): Promise<ScheduleView | null> {
  const volume = await loadVolume(ctx, 'volume:get', volumeId)
  authorize(ctx, 'volumeBackupSchedule:get', volume)
  const row = await ctx.db.volumeBackupSchedule.findUnique({ where: { volumeId } })
  return row && viewOf(ctx, row)
}

/** Gives a volume a schedule, or changes it. One that counts hours begins with a backup now. */
export async function setSchedule(
  ctx: Ctx,
  { volumeId, ...wish }: z.output<typeof scheduleSetInput>,
): Promise<ScheduleView> {
  const row = await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volumeBackupSchedule:set', volumeId)
    demand(volumeCan.schedule, volume)
    const before = await tx.db.volumeBackupSchedule.findUnique({ where: { volumeId } })
    const { userId, userName } = tx.actor
    const data = { ...wish, userId, userName, projectId: volume.projectId, nextAt: firstTime(wish, before) }
    const made = await tx.db.volumeBackupSchedule.upsert({
      where: { volumeId },
      create: { ...data, id: crypto.randomUUID(), volumeId },
      update: data,
    })
    await trimSchedule(tx, made.id)
    await recordOperation(tx, historyOf(volume, 'volume.schedule_backups'))
    await noteVolume(tx, volume, 'updated')
    await wakeReconciler(tx, 'volumes.schedules')
    return made
  })
  return viewOf(ctx, row)
}

/** A change of how many are kept does not move the next backup of a schedule that counts hours. */
function firstTime(wish: Times, before: VolumeBackupScheduleModel | null): Date {
  if (wish.every !== 'hours') return nextTime(wish, new Date())
  return before?.every === 'hours' && before.hours === wish.hours ? before.nextAt : new Date()
}

/** Ends the automatic backups of a volume. Those that were made stay. */
export async function removeSchedule(
  ctx: Ctx,
  { volumeId }: z.output<typeof scheduleOfInput>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const volume = await lockVolume(tx, 'volumeBackupSchedule:set', volumeId)
    const { count } = await tx.db.volumeBackupSchedule.deleteMany({ where: { volumeId } })
    if (count === 0) return
    await recordOperation(tx, historyOf(volume, 'volume.unschedule_backups'))
    await noteVolume(tx, volume, 'updated')
  })
}

async function viewOf(ctx: Ctx, row: VolumeBackupScheduleModel): Promise<ScheduleView> {
  const last =
    row.lastBackupId === null
      ? null
      : await ctx.db.volumeBackup.findFirst({ where: { id: row.lastBackupId, trashedUntil: null } })
  const { id, volumeId, hours, minute, weekday, timeZone, keep, lastFailure } = row
  return {
    ...{ id, volumeId, hours, minute, weekday, timeZone, keep, lastFailure, every: everyOf(row) },
    nextAt: row.nextAt.toISOString(),
    lastAt: row.lastAt?.toISOString() ?? null,
    last: last && {
      ...{ id: last.id, name: last.name, state: backupStateOf(last) },
      error: last.state.startsWith('error') ? last.faultMessage : null,
    },
  }
}

export const everyOf = ({ every }: { every: string }): Times['every'] =>
  every === 'hours' || every === 'week' ? every : 'day'
