import type { Ctx } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { askOf, type Order, pageView } from '../../kernel/page.ts'
import type { AssignmentListInput, AssignmentView } from './contract.ts'
import { type AssignmentRow, queryAssignments, sortableAssignments } from './queries.ts'

/** By the holder, and for each holder by the place. */
const usual: Order = [{ field: 'id', dir: 'asc' }]

/** Lists assignments as they were made, or with `effective` as they take effect. */
export async function listAssignments(ctx: Ctx, input: AssignmentListInput): Promise<Page<AssignmentView>> {
  const slice = await queryAssignments(ctx, { where: input, ...askOf(input, sortableAssignments, usual) })
  return pageView(slice, slice.rows.map(toView))
}

/** The assignments for OpenStack's clients; `next` says that there are more. */
export async function findAssignments(
  ctx: Ctx,
  input: AssignmentListInput,
): Promise<Pick<Page<AssignmentView>, 'items' | 'next'>> {
  const { rows, next } = await queryAssignments(ctx, {
    where: input,
    sort: usual,
    page: { limit: input.limit },
  })
  return { items: rows.map(toView), next }
}

const toView = (row: AssignmentRow): AssignmentView => {
  const holder = (id: string) => ({
    id,
    name: row.holderName,
    domainId: row.holderDomainId,
    domainName: row.holderDomainName,
  })
  return {
    id: row.id,
    role: { id: row.roleId, name: row.roleName, domainId: row.roleDomainId },
    user: row.userId === null ? null : holder(row.userId),
    group: row.groupId === null ? null : holder(row.groupId),
    project:
      row.projectId === null
        ? null
        : {
            id: row.projectId,
            name: row.projectName ?? '',
            domainId: row.projectDomainId ?? '',
            domainName: row.projectDomainName ?? '',
          },
    domain: row.domainId === null ? null : { id: row.domainId, name: row.domainName ?? '' },
    system: row.system,
    inherited: row.inherited,
  }
}
