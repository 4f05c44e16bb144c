import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import type { Page } from '../kernel/contract.ts'
import { conflict, toCloudError } from '../kernel/errors.ts'
import { lastEventSql, lastOperationSql } from '../kernel/history.ts'
import { authorize } from '../kernel/policy.ts'
import { wakeReconciler } from '../kernel/reconciler.ts'
import { recordOperation } from '../kernel/workflow.ts'
import type { UnconfirmedView, unconfirmedInput } from './contract.ts'
import { namesOf } from './document-rooms.ts'
import { projectRefs } from './project-refs.ts'
import { hostCan } from './states.ts'
import { makeDue, type Thing, type Unconfirmed, unconfirmedCounts, unconfirmedPage } from './unconfirmed.ts'
import { hostEvent, loadHost, stateOf } from './view.ts'

/**
 * Lists the documents that a host has not confirmed, the longest waiting first, in a constant number of queries.
 * Administrators only. Throws not_found.
 */
export async function listUnconfirmed(
  ctx: Ctx,
  input: z.output<typeof unconfirmedInput>,
): Promise<Pick<Page<UnconfirmedView>, 'items' | 'next' | 'total'>> {
  authorize(ctx, 'hosts:list_unconfirmed')
  await loadHost(ctx, input.id)
  const [rows, counts] = await Promise.all([
    unconfirmedPage(ctx, input.id, { limit: input.limit + 1, marker: input.marker }),
    unconfirmedCounts(ctx, [input.id]),
  ])
  const page = rows.slice(0, input.limit)
  return {
    items: await viewsOf(ctx, input.id, page),
    next: rows.length > input.limit ? (page.at(-1)?.marker ?? null) : null,
    total: counts.get(input.id) ?? 0,
  }
}

async function viewsOf(ctx: Ctx, hostId: string, rows: readonly Unconfirmed[]): Promise<UnconfirmedView[]> {
  const named = await namesOfThings(ctx, hostId, rows)
  const instanceIds = rows.flatMap((row) => named(row)?.instanceId ?? [])
  const [instance, project] = await Promise.all([
    namesOfThings(
      ctx,
      hostId,
      instanceIds.map((thing) => ({ kind: 'instance', thing })),
    ),
    projectRefs(
      ctx,
      rows.flatMap((row) => named(row)?.projectId ?? []),
    ),
  ])
  return rows.map((row) => {
    const its = named(row)
    const instanceId = its?.instanceId
    const instanceName = instanceId && instance({ kind: 'instance', thing: instanceId })?.name
    return {
      id: `${row.kind}/${row.thing}`,
      kind: row.kind,
      thing: row.thing,
      name: its?.name || null,
      project: its?.projectId ? project(its.projectId) : null,
      instance: instanceId && instanceName ? { id: instanceId, name: instanceName } : null,
      isThere: its?.isThere ?? false,
      wanted: row.wanted,
      since: row.since.toISOString(),
      attempts: row.attempts,
      error: row.error && {
        message: toCloudError(row.error).message,
        detail: `${row.error.code}: ${row.error.message}`,
      },
      waitsFor: row.waitsFor,
      nextTryAt: row.dueAt?.toISOString() ?? null,
    }
  })
}

type Known = { name: string; projectId: string | null; instanceId?: string | null; isThere: boolean }
type NameOf = (thing: Thing) => Known | undefined

/** Looks up the names of things in their rows and, for things without a row, in the history. */
async function namesOfThings(ctx: Ctx, hostId: string, things: readonly Thing[]): Promise<NameOf> {
  const known = new Map<string, Known>()
  for (const [kind, list] of Map.groupBy(things, (one) => one.kind)) {
    const names = await namesOf(
      ctx,
      kind,
      list.map((one) => one.thing),
    )
    for (const [id, name] of names) known.set(`${kind}/${id}`, { ...name, isThere: true })
  }
  const gone = things.filter((one) => !known.has(`${one.kind}/${one.thing}`))
  for (const { kind, thing, ...name } of await lastNames(ctx, hostId, gone))
    known.set(`${kind}/${thing}`, { ...name, isThere: false })
  return ({ kind, thing }) => known.get(`${kind}/${thing}`)
}

/**
 * Looks up names in the last operation on each thing. A port that was deleted with its instance has no operation: its
 * name is the address that is held for it, and its last event names its project.
 */
async function lastNames(
  ctx: Ctx,
  hostId: string,
  things: readonly Thing[],
): Promise<(Thing & { name: string; projectId: string | null; instanceId: string | null })[]> {
  if (things.length === 0) return []
  const kinds = things.map((one) => (one.kind === 'addressSet' ? 'securityGroup' : one.kind))
  return ctx.db.$queryRaw`
    SELECT t."kind", t."thing", COALESCE(NULLIF(o."resourceName", ''), h."address", '') AS "name",
      COALESCE(o."projectId", e."projectId") AS "projectId", NULLIF(e."data"->>'deviceId', '') AS "instanceId"
    FROM unnest(${things.map((one) => one.kind)}::text[], ${kinds}::text[], ${things.map((one) => one.thing)}::text[])
      t ("kind", "resourceKind", "thing")
    LEFT JOIN LATERAL (${lastOperationSql(Prisma.sql`t."resourceKind"`, Prisma.sql`t."thing"`)}) o ON true
    LEFT JOIN LATERAL (SELECT min("address") AS "address" FROM "HeldAddress"
      WHERE "hostId" = ${hostId}::uuid AND "kind" = 'port' AND t."kind" = 'port' AND "thing" = t."thing"::uuid) h ON true
    LEFT JOIN LATERAL (${lastEventSql('port', Prisma.sql`t."thing"`, Prisma.sql`t."kind" = 'port'`)}) e ON true`
}

/**
 * Delivers unconfirmed documents to a host now, also failed ones whose next try would come later, except those that are
 * being delivered at this moment. Returns their number. Throws conflict when the host does not answer.
 */
export async function tellNow(ctx: Ctx, { id }: { id: string }): Promise<{ told: number }> {
  authorize(ctx, 'hosts:tell_host')
  return inTransaction(ctx, async (tx) => {
    const host = await loadHost(tx, id)
    const allowed = hostCan.tell({ state: stateOf(host) })
    if (allowed !== true) throw conflict(`Host ${host.name}: ${allowed}`)
    const told = await makeDue(tx, id)
    if (told === 0) return { told }
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'host.tell',
      resourceKind: 'host',
      resourceId: id,
      resourceName: host.name,
      projectId: null,
      input: { told },
    })
    await hostEvent(tx, id, 'updated')
    await wakeReconciler(tx, 'hosts.documents')
    return { told }
  })
}
