import type { VolumeMessageModel } from '@stratolith/db'
import { type Ctx, inTransaction, listScope, visible } from '../../kernel/context.ts'
import { type CloudError, notFound } from '../../kernel/errors.ts'
import { type Ask, readPage, type Slice } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import type { Kept } from '../../kernel/retention.ts'
import { type Run, recordFailure, recordOperation } from '../../kernel/workflow.ts'
import { historyOf } from '../row.ts'

/** Cinder's actions of which messages tell, by their numbers. */
export const messageActions = {
  makeVolume: '001',
  attachVolume: '002',
  copyVolumeToImage: '003',
  updateAttachment: '004',
  copyImageToVolume: '005',
  extendVolume: '007',
  makeSnapshot: '009',
  deleteSnapshot: '010',
  makeBackup: '013',
  deleteBackup: '014',
  restoreBackup: '015',
  reimageVolume: '016',
} as const
export type MessageAction = keyof typeof messageActions
/** The kinds of things of which messages tell, in Cinder's words, with ours. */
export const messageKinds = {
  VOLUME: 'volume',
  VOLUME_SNAPSHOT: 'volumeSnapshot',
  VOLUME_BACKUP: 'volumeBackup',
} as const
export type MessageResource = keyof typeof messageKinds
export type MessageView = Omit<VolumeMessageModel, 'projectId'>
export type MessageWhere = {
  allProjects?: boolean
  requestId?: string
  resource?: string
  resourceId?: string
  action?: string
}

/** For how many days a message is kept. */
export const keptDays = 30
export const keptMessages: Kept = {
  name: 'messages of volumes',
  days: () => keptDays,
  table: 'VolumeMessage',
  column: 'createdAt',
}

/** Tells OpenStack's clients why an operation has failed. Repeated for the same operation, it changes nothing. */
export async function tellFailure(
  run: Pick<Run<unknown>, 'ctx' | 'operationId'>,
  about: {
    resource: MessageResource
    resourceId: string
    projectId: string
    action: MessageAction
  },
  error: Pick<CloudError, 'message'>,
): Promise<void> {
  const { action, ...of } = about
  const data = {
    ...{ ...of, id: run.operationId, action: messageActions[action] },
    ...{ requestId: run.ctx.requestId, reason: error.message },
  }
  await run.ctx.deps.root.volumeMessage.createMany({ data, skipDuplicates: true })
}

/** Tells, in the transaction in which they fail together, why snapshots of a group could not be made. */
export async function tellSnapshotFailures(
  ctx: Ctx,
  snapshots: readonly { id: string; projectId: string }[],
  reason: string,
): Promise<void> {
  const about = { resource: 'VOLUME_SNAPSHOT', action: messageActions.makeSnapshot, reason }
  const data = snapshots.map(({ id, projectId }) => ({
    ...{ ...about, id: crypto.randomUUID(), resourceId: id, projectId, requestId: ctx.requestId },
  }))
  await ctx.db.volumeMessage.createMany({ data })
}

/** Tells why an instance could not be given a volume. */
export async function tellAttachmentFailure(
  run: Pick<Run<unknown>, 'ctx' | 'operationId'>,
  volumeId: string,
  error: Pick<CloudError, 'message'>,
): Promise<void> {
  const where = { id: volumeId }
  const row = await run.ctx.deps.root.volume.findUnique({ where, select: { projectId: true } })
  if (!row) return
  const about = { resource: 'VOLUME', resourceId: volumeId, action: 'attachVolume', ...row } as const
  await tellFailure(run, about, error)
}

/** Tells, in the transaction in which its instance is deleted, why a volume stays that was to be deleted with the instance. */
export async function tellKept(
  ctx: Ctx,
  volume: { id: string; name: string; projectId: string },
  why: string,
): Promise<void> {
  const message = `The volume was to be deleted with its instance, and stays: ${why}.`
  const { id, projectId } = volume
  const data = { id: crypto.randomUUID(), resource: 'VOLUME', resourceId: id, projectId, reason: message }
  await ctx.db.volumeMessage.create({
    data: { ...data, action: messageActions.updateAttachment, requestId: ctx.requestId },
  })
  await recordFailure(ctx, historyOf(volume, 'volume.discard'), { code: 'conflict', message })
}

export async function findMessages(
  ctx: Ctx,
  { where: { allProjects, ...fields }, sort, page }: Ask<MessageWhere>,
): Promise<Slice<VolumeMessageModel>> {
  const scope = listScope(ctx, { allProjects })
  authorize(ctx, 'volumeMessage:list', scope)
  return readPage<VolumeMessageModel>(ctx.db.volumeMessage, {
    ...{ where: { ...scope, ...fields }, sort, page },
    unknownMarker: (marker) => notFound('message', marker),
  })
}

export const getMessage = (ctx: Ctx, { id }: { id: string }): Promise<MessageView> =>
  load(ctx, 'volumeMessage:get', id)

export async function deleteMessage(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const row = await load(tx, 'volumeMessage:delete', id)
    const { count } = await tx.db.volumeMessage.deleteMany({ where: { id, ...visible(tx) } })
    if (count === 0) throw notFound('message', id)
    const kind = messageKinds[row.resource as MessageResource]
    await recordOperation(tx, {
      ...{ id: crypto.randomUUID(), action: `${kind}.delete_message`, resourceKind: kind },
      ...{ resourceId: row.resourceId, resourceName: row.resourceId, projectId: row.projectId },
    })
  })
}

async function load(ctx: Ctx, action: string, id: string): Promise<VolumeMessageModel> {
  const row = await ctx.db.volumeMessage.findFirst({ where: { id, ...visible(ctx) } })
  if (!row) throw notFound('message', id)
  authorize(ctx, action, row)
  return row
}

/** Deletes the messages of empty projects. */
export async function forgetMessages(tx: Ctx, projectIds: readonly string[]): Promise<void> {
  await tx.db.volumeMessage.deleteMany({ where: { projectId: { in: [...projectIds] } } })
}
