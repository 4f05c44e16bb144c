import type { OperationView } from '@stratolith/api/kernel/contract'
import type { ListQuery, PageRequest } from '../kit/list-query.ts'
import type { Trpc } from '../kit/trpc.ts'
import { operationStates } from '../operations/list.ts'

type Get = (key: string) => string | null

/** The values of the history's filters; times are ISO. */
export function historyValues(get: Get) {
  const iso = (key: string) => {
    const text = get(key)
    const time = text ? Date.parse(text) : Number.NaN
    return Number.isNaN(time) ? undefined : new Date(time).toISOString()
  }
  return {
    projectId: get('project') ?? undefined,
    actorId: get('user') ?? undefined,
    from: iso('from'),
    to: iso('to'),
  }
}

export const operationFilter = (get: Get) => ({
  ...historyValues(get),
  allProjects: true,
  resourceKind: get('kind') ?? undefined,
  state: operationStates.find((state) => state === get('state')),
})

/** The read of the list of the operations of all projects. */
export const allOperationList: ListQuery<OperationView> = (page, _, trpc, get) =>
  trpc.operations.list.queryOptions({ ...page, ...operationFilter(get) })

/** The read of a part of the audit log. */
export function auditPart(trpc: Trpc, get: Get, { marker, limit }: Pick<PageRequest, 'marker' | 'limit'>) {
  const kind = get('kind')
  return trpc.operations.audit.queryOptions({
    ...historyValues(get),
    allProjects: true,
    kind: kind ? `${kind}.` : undefined,
    marker,
    limit,
  })
}

const auditPageSize = 100
/** The read of the page of the audit log that the address asks for. */
export const auditPage = (trpc: Trpc, get: Get) =>
  auditPart(trpc, get, { marker: get('after') ?? undefined, limit: auditPageSize })
