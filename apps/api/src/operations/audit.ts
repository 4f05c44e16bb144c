import type { z } from 'zod'
import { projectNames, userNames } from '../directory/service.ts'
import { hostNames } from '../hosts/service.ts'
import { type Ctx, listScope } from '../kernel/context.ts'
import { uuids } from '../kernel/gathered.ts'
import { deletedAmong, lastNamesOf } from '../kernel/history.ts'
import { askOf, pageView } from '../kernel/page.ts'
import type { AuditPage, AuditRow, auditListInput } from './contract.ts'
import { newest, queryAudit, sortableAudit } from './queries.ts'

/**
 * The audit log, newest first: every change with its actor, time, project and the request that made it. Nine queries
 * at most, whatever the size of the page and of the log.
 */
export async function listAudit(ctx: Ctx, input: z.output<typeof auditListInput>): Promise<AuditPage> {
  const slice = await queryAudit(ctx, { where: input, ...askOf(input, sortableAudit, newest) })
  const names = await namesOf(ctx, slice.rows, listScope(ctx, input).projectId)
  const items = slice.rows.map(
    (row): AuditRow => ({
      id: String(row.id),
      at: row.at.toISOString(),
      kind: row.kind,
      resourceKind: row.resourceKind,
      resourceId: row.resourceId,
      resourceName: names.resourceName(row),
      resourceDeleted: names.isDeleted(row),
      projectId: row.projectId,
      projectName: names.projects.get(row.projectId ?? '') ?? null,
      actorId: row.actorId,
      actorName: row.actorId === 'system' ? 'system' : (names.users.get(row.actorId ?? '') ?? null),
      requestId: row.requestId,
      globalRequestId: row.globalRequestId,
      operationId: row.operationId,
      data: row.data as Record<string, unknown>,
    }),
  )
  return { ...pageView(slice, items), keptDays: ctx.deps.config.keep.eventsDays }
}

type Named = { resourceKind: string; resourceId: string; projectId: string | null; actorId: string | null }

async function namesOf(ctx: Ctx, rows: Named[], projectId: string | undefined) {
  const ids = (values: (string | null)[]) => [...new Set(values.filter((id) => id !== null))]
  // Most hosts have no operation that tells their name.
  const hostIds = uuids(rows.filter((row) => row.resourceKind === 'host').map((row) => row.resourceId))
  const [projects, users, lastName, isDeleted, hosts] = await Promise.all([
    projectNames(ctx, ids(rows.map((row) => row.projectId))),
    userNames(ctx, ids(rows.map((row) => row.actorId))),
    lastNamesOf(ctx, rows, projectId),
    deletedAmong(ctx, rows),
    hostNames(
      ctx,
      hostIds.map((hostId) => ({ hostId })),
    ),
  ])
  const resourceName = (row: Named) => hosts.get(row.resourceId) ?? lastName(row)
  return { projects, users, resourceName, isDeleted }
}
