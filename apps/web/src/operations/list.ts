import type { OperationView } from '@stratolith/api/kernel/contract'
import type { ListQuery } from '../kit/list-query.ts'

export const operationStates = ['queued', 'running', 'undoing', 'succeeded', 'failed'] as const

/** The read of the list of the project's operations. */
export const operationList: ListQuery<OperationView> = (page, { kind, state }, trpc) =>
  trpc.operations.list.queryOptions({
    ...page,
    resourceKind: kind,
    state: operationStates.find((one) => one === state),
  })
