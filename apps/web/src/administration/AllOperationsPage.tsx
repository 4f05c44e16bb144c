'use client'
import type { OperationView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { ProjectName } from '../directory/projects/ProjectName.tsx'
import { csv, everyPage } from '../kit/csv.ts'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { OperationPanel } from '../operations/OperationPanel.tsx'
import { operationDescriptor } from '../operations/operation.descriptor.tsx'
import { durationMs, kindWords, stateWords } from '../operations/words.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { HistoryFilters, useHistoryFilters } from './HistoryFilters.tsx'

const states = ['queued', 'running', 'undoing', 'succeeded', 'failed'] as const
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** The operations of all projects. */
export function AllOperationsPage() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { get, values } = useHistoryFilters()
  const filter = {
    ...values,
    allProjects: true,
    resourceKind: get('kind') ?? undefined,
    state: states.find((state) => state === get('state')),
  }
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
          options: states.map((value) => ({ value, label: stateWords[value].text })),
        }}
        download={{ file: 'operations.csv', make }}
      />
      <ResourceTable
        descriptor={descriptor}
        query={(page) => trpc.operations.list.queryOptions({ ...page, ...filter })}
      />
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
          column,
        ]
      : [column],
  ),
  empty: { title: 'No such operation', text: 'Remove a filter to see more.' },
}
