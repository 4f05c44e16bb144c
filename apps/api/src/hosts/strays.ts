import { Prisma, type StrayModel } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { rowsOf } from '../kernel/gathered.ts'
import { askOf, pageView, whole } from '../kernel/page.ts'
import { authorize } from '../kernel/policy.ts'
import { recordOperation } from '../kernel/workflow.ts'
import {
  type BrakeView,
  type brakeInput,
  type StrayKind,
  type StrayView,
  type strayDecideInput,
  strayKinds,
  type strayListInput,
} from './contract.ts'
import { imageStorePlace, placeEvent } from './keeping.ts'
import { projectRefs } from './project-refs.ts'
import { longestKnown, queryStrays, sortableStrays } from './queries.ts'

type Names = ReadonlyMap<string, string>

/** Lists strays on hosts and in the image store, the longest known first. Administrators only. */
export async function listStrays(ctx: Ctx, input: z.output<typeof strayListInput>): Promise<Page<StrayView>> {
  const slice = await queryStrays(ctx, { where: input, ...askOf(input, sortableStrays, longestKnown) })
  return pageView(slice, await strayViews(ctx, slice.rows))
}

/**
 * Decides about a stray: keep it for good, remove it at the next round, or let its time run again. The disks and ports
 * of a stray guest share its decision. Throws not_found when the thing is no stray any more.
 */
export async function decideStray(ctx: Ctx, input: z.output<typeof strayDecideInput>): Promise<StrayView> {
  authorize(ctx, 'hosts:decide_stray')
  return inTransaction(ctx, async (tx) => {
    const row = await loadStray(tx, input.id)
    const decision = input.decision === 'wait' ? null : input.decision
    const data = { decision, decidedBy: ctx.actor.userName, decidedAt: new Date() }
    const its =
      row.kind === 'guest' ? [{ hostId: row.hostId, facts: { path: ['instanceId'], equals: row.thing } }] : []
    await tx.db.stray.updateMany({ where: { OR: [{ id: row.id }, ...its] }, data })
    const names = await hostNames(tx, [row])
    const told = toldOf(row, names)
    await recordOperation(tx, {
      ...historyOf(row.hostId, titleOf(told)),
      action: `host.${input.decision}Unknown`,
      input: { kind: row.kind, thing: row.thing },
    })
    await placeEvent(tx, row.hostId, { decided: input.decision, ...told })
    const [view] = await strayViews(tx, [{ ...row, ...data }])
    if (!view) throw notFound('unknown thing', input.id)
    return view
  })
}

/**
 * Loads and locks the row of a stray, for rooms that adopt it, so that only one caller does. Call this in a transaction.
 * Throws conflict when the stray is being removed already.
 */
export async function loadStray(ctx: Ctx, id: string): Promise<StrayModel & { kind: StrayKind }> {
  await ctx.db.$queryRaw`SELECT 1 FROM "Stray" WHERE "id" = ${id}::uuid FOR UPDATE`
  const row = await ctx.db.stray.findUnique({ where: { id } })
  const kind = strayKinds.find((known) => known === row?.kind)
  if (!row || !kind) throw notFound('unknown thing', id)
  if (row.decision === 'removing') throw conflict('It is being removed at this moment.')
  return { ...row, kind }
}

/** Deletes the record of a stray, in the transaction that gives the thing a row. */
export async function forgetStrays(ctx: Ctx, stray: StrayModel): Promise<void> {
  await ctx.db.stray.deleteMany({
    where: {
      OR: [{ id: stray.id }, { hostId: stray.hostId, facts: { path: ['instanceId'], equals: stray.thing } }],
    },
  })
  await placeEvent(ctx, stray.hostId, {
    decided: 'adopt',
    ...toldOf(stray, await hostNames(ctx, [stray])),
  })
}

/** Lists brakes that wait for an administrator, oldest first. There is at most one for each host and kind. */
export async function listBrakes(ctx: Ctx): Promise<BrakeView[]> {
  authorize(ctx, 'hosts:list_strays')
  const most = 1000
  const rows = whole(
    await ctx.db.brake.findMany({ orderBy: { pulledAt: 'asc' }, take: most + 1 }),
    most,
    'Something is wrong with the cloud as a whole: is this the right database?',
  )
  const names = await hostNames(ctx, rows)
  return rows.map((row) => ({
    id: row.id,
    host: hostOf(row.hostId, names),
    kind: kindOf(row.kind),
    count: row.ids.length,
    total: row.total,
    things: row.ids.slice(0, 20),
    pulledAt: row.pulledAt.toISOString(),
    releasedAt: row.releasedAt?.toISOString() ?? null,
  }))
}

/**
 * Releases a brake for the things that it held at that moment, and for no later ones. Repeating the call changes nothing;
 * throws conflict when the brake holds other things by now.
 */
export async function releaseBrake(ctx: Ctx, input: z.output<typeof brakeInput>): Promise<void> {
  const { id } = input
  authorize(ctx, 'hosts:release_brake')
  await inTransaction(ctx, async (tx) => {
    const row = await tx.db.brake.findUnique({ where: { id } })
    if (!row) throw notFound('brake', id)
    if (row.pulledAt.toISOString() !== input.pulledAt)
      throw conflict('What would be removed has changed meanwhile. Look again.')
    const { count } = await tx.db.brake.updateMany({
      where: { id, pulledAt: row.pulledAt, releasedAt: null },
      data: { releasedAt: new Date(), releasedBy: ctx.actor.userName },
    })
    if (count === 0) return
    await recordOperation(tx, {
      ...historyOf(row.hostId, `${row.ids.length} of ${row.total} of kind ${nouns[kindOf(row.kind)]}`),
      action: 'host.releaseBrake',
      input: { kind: row.kind, count: row.ids.length, total: row.total },
    })
    await placeEvent(tx, row.hostId, { released: row.kind, count: row.ids.length })
  })
}

/** The nouns of kinds in the names of operations. */
const nouns: Record<StrayKind, string> = {
  ...{ guest: 'guest', disk: 'disk', volume: 'volume', port: 'port', network: 'network', router: 'router' },
  ...{ addressSet: 'security group', blob: 'image bytes', volumeSnapshot: 'volume snapshot' },
}

type Thing = { kind: string; thing: string; name?: string; host: string | null }
/** The facts about a stray that stay in the history after it is gone. */
function toldOf({ hostId, kind, thing, facts }: StrayModel, names: Names): Thing {
  const { name } = facts as { name?: string }
  return { kind, thing, ...(name ? { name } : {}), host: hostOf(hostId, names)?.name ?? null }
}
/** A title such as "disk 4febdbb7 of host vm". */
export const titleOf = ({ kind, thing, name, host }: Thing): string =>
  `${nouns[kindOf(kind)]} ${name ?? thing.slice(0, 8)} of ${host === null ? 'the image store' : `host ${host}`}`

const historyOf = (hostId: string, name: string) => ({
  id: crypto.randomUUID(),
  resourceKind: 'host',
  resourceId: hostId || 'image-store',
  resourceName: name,
  projectId: null,
})

export async function hostNames(ctx: Ctx, rows: readonly { hostId: string }[]): Promise<Names> {
  const ids = [...new Set(rows.map((row) => row.hostId))].filter((id) => id !== imageStorePlace)
  const hosts = await ctx.db.host.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } })
  return new Map(hosts.map((host) => [host.id, host.name]))
}

export const hostOf = (id: string, names: Names): StrayView['host'] =>
  id === imageStorePlace ? null : { id, name: names.get(id) ?? id }
const kindOf = (kind: string): StrayKind => strayKinds.find((known) => known === kind) ?? 'guest'

/** The facts that reconcilers record about a stray. */
type Facts = { name?: string; details?: string; instanceId?: string; projectId?: string; groups?: string[] }

async function strayViews(ctx: Ctx, rows: readonly StrayModel[]): Promise<StrayView[]> {
  const factsOf = (row: StrayModel) => row.facts as Facts
  const names = await hostNames(ctx, rows)
  const project = await projectRefs(
    ctx,
    rows.flatMap((row) => factsOf(row).projectId ?? []),
  )
  return rows.map((row) => {
    const { projectId, groups = [] } = factsOf(row)
    const its = { project: projectId === undefined ? null : project(projectId), securityGroups: groups }
    return { ...strayView(ctx, row, names), ...its }
  })
}

function strayView(ctx: Ctx, row: StrayModel, names: Names): Omit<StrayView, 'project' | 'securityGroups'> {
  const facts = row.facts as Facts
  const ends = new Date(row.firstSeenAt.getTime() + ctx.deps.config.keepUnknownMs).toISOString()
  return {
    id: row.id,
    host: hostOf(row.hostId, names),
    kind: kindOf(row.kind),
    thing: row.thing,
    name: facts.name ?? null,
    details: facts.details ?? null,
    instanceId: facts.instanceId ?? null,
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    decision: row.decision === 'keep' ? 'keep' : row.decision === null ? null : 'remove',
    removedAfter: row.decision === 'keep' ? null : row.decision === null ? ends : new Date().toISOString(),
  }
}

/** The ids among these whose strays already have recorded facts. */
export async function describedStrays(
  ctx: Ctx,
  hostId: string,
  kind: StrayKind,
  things: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await ctx.db.stray.findMany({
    where: { hostId, kind, thing: { in: [...things] }, NOT: { facts: { equals: {} } } },
    select: { thing: true },
  })
  return new Set(rows.map((row) => row.thing))
}

/** Makes the function that reads the strays of a host; callers of the same time share a query. */
export const straysAt = (kinds: readonly StrayKind[]) =>
  rowsOf<{ kind: string; thing: string }>((hosts) => ({
    key: Prisma.sql`"hostId"`,
    row: Prisma.sql`'kind', "kind", 'thing', "thing"`,
    from: Prisma.sql`"Stray" WHERE "hostId" = ANY(${[...hosts]}::text[]) AND "kind" = ANY(${[...kinds]}::text[])`,
  }))
