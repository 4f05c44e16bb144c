'use client'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { OperationPanel } from './OperationPanel.tsx'
import { operationDescriptor } from './operation.descriptor.tsx'
import { kindWords, stateWords } from './words.ts'

const states = ['queued', 'running', 'undoing', 'succeeded', 'failed'] as const
const filters = [
  { id: 'state', label: 'State', options: states.map((value) => ({ value, label: stateWords[value].text })) },
  {
    id: 'kind',
    label: 'Kind',
    options: Object.entries(kindWords).map(([value, label]) => ({
      value,
      label: label.charAt(0).toUpperCase() + label.slice(1),
    })),
  },
]

/** The operations of this project, by whom, step by step. */
export function OperationsPage() {
  const trpc = useTRPC()
  return (
    <>
      <PageHeader
        title="Operations"
        description="What was done in this project, by whom, and how long each step took."
      />
      <ResourceTable
        descriptor={operationDescriptor}
        filters={filters}
        query={(page, chosen) =>
          trpc.operations.list.queryOptions({
            ...page,
            resourceKind: chosen.kind,
            state: states.find((state) => state === chosen.state),
          })
        }
      />
      <OperationPanel />
    </>
  )
}
