'use client'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { ProjectName } from '../directory/projects/ProjectName.tsx'
import { csv, everyPage } from '../kit/csv.ts'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { operationStates } from '../operations/list.ts'
import { OperationPanel } from '../operations/OperationPanel.tsx'
import { operationDescriptor } from '../operations/operation.descriptor.tsx'
import { durationMs, kindWords, stateWords } from '../operations/words.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { HistoryFilters, useHistoryFilters } from './HistoryFilters.tsx'
import { allOperationList, operationFilter } from './history.ts'

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** The operations of all projects. */
export function AllOperationsPage() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { get } = useHistoryFilters()
  const filter = operationFilter(get)
  const make = async () => {
    const rows = await everyPage<OperationView>((marker) =>
      client.fetchQuery(trpc.operations.list.queryOptions({ ...filter, marker, limit: 1000 })),
    )
    return csv(headings, rows.map(line))
  }
  return (
    <>
      <PageHeader
        title="All operations"
        description="This list shows the operations of all projects, the users who began them, and how long each step took."
      />
      <HistoryFilters
        kinds={{
          label: 'Kind',
          options: Object.entries(kindWords).map(([value, label]) => ({ value, label: capital(label) })),
        }}
        states={{
          label: 'State',
          options: operationStates.map((value) => ({ value, label: stateWords[value].text })),
        }}
        download={{ file: 'operations.csv', make }}
      />
      <ResourceTable descriptor={descriptor} query={allOperationList} />
      <OperationPanel />
    </>
  )
}

const headings = [
  'begun',
  'action',
  'state',
  'kind',
  'name',
  'id',
  'project',
  'by',
  'milliseconds',
  'error',
  'request',
]
const line = (op: OperationView) => [
  op.createdAt,
  op.action,
  op.state,
  op.resourceKind,
  op.resourceName,
  op.resourceId,
  op.projectId,
  op.actorName,
  durationMs(op, null),
  op.errorMessage,
  op.requestId,
]

const descriptor: ResourceDescriptor<OperationView> = {
  ...operationDescriptor,
  columns: operationDescriptor.columns.flatMap((column) =>
    column.id === 'actor'
      ? [
          {
            id: 'project',
            header: 'Project',
            hideBelow: 'sm' as const,
            cell: (op: OperationView) => <ProjectName id={op.projectId} />,
          },
          { ...column, hideBelow: 'md' as const },
        ]
      : [column],
  ),
  empty: { title: 'No such operation', text: 'Remove a filter to see more.' },
}
