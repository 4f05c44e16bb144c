import type { TrashedDisk, TrashedFile } from '@stratolith/drivers/storage/interface'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { CloudError, conflict } from '../kernel/errors.ts'
import { plainOp } from '../kernel/hosts.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import type { DiskTrash, TrashView, trashInput, UnknownTime } from './contract.ts'
import { driversOf } from './drivers.ts'
import { placeEvent } from './keeping.ts'
import { projectRefs } from './project-refs.ts'
import { putBackGuest } from './put-back.ts'
import { hostNames, hostOf, titleOf } from './strays.ts'

const askMs = 5_000
/** How many hosts are asked at once, and how many things are returned at most. */
const atOnce = { hosts: 20, things: 200 }

/** How many days strays are left alone and then wait in the trash, and the name of the setting. */
export function unknownTime(ctx: Ctx): UnknownTime {
  authorize(ctx, 'hosts:list_strays')
  return { days: ctx.deps.config.keepUnknownMs / 86_400_000, setting: 'STRATOLITH_KEEP_UNKNOWN_DAYS' }
}

/** Lists disks in the trash of hosts. Each host is asked, because only the host knows its own trash. */
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
      return (files ?? []).map((file) => ({ host: { id, name }, file }))
    }),
  )
  const things = lists.flat().sort((a, b) => b.file.trashedAt.localeCompare(a.file.trashedAt))
  const shown = things.slice(0, atOnce.things)
  const project = await projectRefs(
    ctx,
    shown.flatMap(({ file }) => file.guest?.projectId ?? []),
  )
  return {
    items: shown.map(({ host, file }) => ({
      ...trashView(ctx, { host, kind: 'disk', file }),
      guest: file.guest ? { name: file.guest.name, project: project(file.guest.projectId) } : null,
    })),
    more: Math.max(0, things.length - atOnce.things),
    hosts: { all, asked: hosts.length, silent },
  }
}

/** The trash of a host; null when the host does not answer. */
async function trashOf(ctx: Ctx, host: string, endpoint: string): Promise<TrashedDisk[] | null> {
  const { trash } = ctx.deps.hosts.at(endpoint).storage
  if (!trash) return []
  return trash.list(plainOp(ctx, askMs)).catch((error: unknown) => {
    ctx.log.warn({ err: error, host }, 'the trash of a host could not be listed')
    return null
  })
}

/**
 * Moves a disk from the trash back to its place and makes its guest again, stopped, when the host has kept a note about
 * the guest. Both are strays again, and their time begins anew.
 */
export async function takeBackDisk(ctx: Ctx, input: { hostId: string; thing: string }): Promise<void> {
  authorize(ctx, 'hosts:decide_stray')
  const drivers = await driversOf(ctx, input.hostId)
  const { trash } = drivers.storage
  if (!trash) throw new CloudError('unsupported', 'This host has no trash.')
  const op = plainOp(ctx)
  const guest = await trash.takeBack(op, input.thing).catch((error: { code?: unknown }) => {
    if (error.code === 'not_found') throw conflict('The disk is not in the trash any more.')
    if (error.code === 'conflict') throw conflict('There is a disk in its place already.')
    throw error
  })
  await noteTakenBack(ctx, { ...input, kind: 'disk', instanceId: guest?.instanceId })
  if (!guest) return
  await putBackGuest(ctx, op, input.hostId, guest)
  await trash.dropGuest(op, guest.instanceId)
}

/**
 * Records history and event of a thing that has left the trash, for rooms that have a trash. The earlier decision about
 * the thing is deleted: otherwise a recorded decision (kept because a base under a disk stayed) would hold in the next round.
 */
export async function noteTakenBack(
  ctx: Ctx,
  { hostId, kind, thing, instanceId }: { hostId: string; kind: string; thing: string; instanceId?: string },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const told = { kind, thing, host: hostOf(hostId, await hostNames(tx, [{ hostId }]))?.name ?? null }
    const its = { hostId, facts: { path: ['instanceId'], equals: instanceId } }
    await tx.db.stray.deleteMany({ where: { OR: [{ hostId, kind, thing }, ...(instanceId ? [its] : [])] } })
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'host.takeBack',
      resourceKind: 'host',
      resourceId: hostId || 'image-store',
      resourceName: titleOf(told),
      projectId: null,
      input: { kind, thing },
    })
    await placeEvent(tx, hostId, { decided: 'takeBack', ...told })
  })
}

export function trashView(
  ctx: Ctx,
  { host, kind, file }: Pick<TrashView, 'host' | 'kind'> & { file: TrashedFile },
): TrashView {
  const gone = Date.parse(file.trashedAt) + ctx.deps.config.keepUnknownMs
  const { id: thing, sizeBytes, trashedAt } = file
  return { host, kind, thing, guest: null, sizeBytes, trashedAt, goneAfter: new Date(gone).toISOString() }
}
