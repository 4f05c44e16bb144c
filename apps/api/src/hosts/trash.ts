import type { TrashedFile } from '@stratolith/drivers/storage/interface'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict } from '../kernel/errors.ts'
import { driversOf, plainOp } from '../kernel/hosts.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import type { TrashView } from './contract.ts'
import { placeEvent } from './keeping.ts'

const askMs = 5_000

/** Disks that nobody knew and that wait in the trash of their hosts; a host that does not answer is left out. */
export async function listTrash(ctx: Ctx): Promise<TrashView[]> {
  authorize(ctx, 'hosts:list_strays')
  const hosts = await ctx.db.host.findMany({
    where: { state: 'up' },
    select: { id: true, name: true, endpoint: true },
  })
  const lists = await Promise.all(
    hosts.map(async ({ id, name, endpoint }) => {
      const files = await ctx.deps.hosts
        .at(endpoint)
        .storage.trash?.list(plainOp(ctx, askMs))
        .catch((error: unknown) => {
          ctx.log.warn({ err: error, host: name }, 'the trash of a host could not be listed')
          return []
        })
      return (files ?? []).map((file) => trashView(ctx, { host: { id, name }, kind: 'disk', file }))
    }),
  )
  return lists.flat()
}

/** Puts a disk back to where it was; it is unknown again, and its time begins anew. */
export async function takeBackDisk(ctx: Ctx, input: { hostId: string; thing: string }): Promise<void> {
  authorize(ctx, 'hosts:decide_stray')
  const { storage } = await driversOf(ctx, input.hostId)
  if (!storage.trash) throw new CloudError('unsupported', 'This host has no trash.')
  await storage.trash.takeBack(plainOp(ctx), input.thing).catch((error: { code?: unknown }) => {
    if (error.code === 'not_found') throw conflict('The disk is not in the trash any more.')
    if (error.code === 'conflict') throw conflict('There is a disk in its place already.')
    throw error
  })
  await noteTakenBack(ctx, input.hostId, 'disk', input.thing)
}

/**
 * History and event of something that has left the trash; for the rooms that have one. What was decided
 * of it is over: a copy that stayed (a base under a disk) may have kept that for the next round.
 */
export async function noteTakenBack(ctx: Ctx, hostId: string, kind: string, thing: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.db.stray.deleteMany({ where: { hostId, kind, thing } })
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'host.takeBack',
      resourceKind: 'host',
      resourceId: hostId || 'image-store',
      resourceName: thing,
      projectId: null,
      input: { kind, thing },
    })
    await placeEvent(tx, hostId)
  })
}

export function trashView(
  ctx: Ctx,
  { host, kind, file }: Pick<TrashView, 'host' | 'kind'> & { file: TrashedFile },
): TrashView {
  const gone = Date.parse(file.trashedAt) + ctx.deps.config.keepUnknownMs
  const { id: thing, sizeBytes, trashedAt } = file
  return { host, kind, thing, sizeBytes, trashedAt, goneAfter: new Date(gone).toISOString() }
}
