import type { TrashedFile } from '@stratolith/drivers/storage/interface'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict } from '../kernel/errors.ts'
import { driversOf, plainOp } from '../kernel/hosts.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import type { DiskTrash, TrashView, trashInput } from './contract.ts'
import { placeEvent } from './keeping.ts'

const askMs = 5_000
/** So many hosts are asked at once, and so many things are told of. */
const atOnce = { hosts: 20, things: 200 }

/** Disks that nobody knew and that wait in the trash of their hosts, which each know of their own alone. */
export async function listTrash(ctx: Ctx, { hostId }: z.output<typeof trashInput>): Promise<DiskTrash> {
  authorize(ctx, 'hosts:list_strays')
  const where = hostId === undefined ? {} : { id: hostId }
  const [hosts, all] = await Promise.all([
    ctx.db.host.findMany({
      where,
      orderBy: { name: 'asc' },
      take: atOnce.hosts,
      select: { id: true, name: true, endpoint: true, state: true },
    }),
    ctx.db.host.count({ where }),
  ])
  const silent: string[] = []
  const lists = await Promise.all(
    hosts.map(async ({ id, name, endpoint, state }) => {
      const files = state === 'up' ? await trashOf(ctx, name, endpoint) : null
      if (files === null) silent.push(name)
      return (files ?? []).map((file) => trashView(ctx, { host: { id, name }, kind: 'disk', file }))
    }),
  )
  const things = lists.flat().sort((a, b) => b.trashedAt.localeCompare(a.trashedAt))
  return {
    items: things.slice(0, atOnce.things),
    more: Math.max(0, things.length - atOnce.things),
    hosts: { all, asked: hosts.length, silent },
  }
}

/** Null when the host does not say. */
async function trashOf(ctx: Ctx, host: string, endpoint: string): Promise<TrashedFile[] | null> {
  const { trash } = ctx.deps.hosts.at(endpoint).storage
  if (!trash) return []
  return trash.list(plainOp(ctx, askMs)).catch((error: unknown) => {
    ctx.log.warn({ err: error, host }, 'the trash of a host could not be listed')
    return null
  })
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
