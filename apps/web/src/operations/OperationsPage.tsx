'use client'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { operationList, operationStates } from './list.ts'
import { OperationPanel } from './OperationPanel.tsx'
import { operationDescriptor } from './operation.descriptor.tsx'
import { kindWords, stateWords } from './words.ts'

const filters = [
  {
    id: 'state',
    label: 'State',
    options: operationStates.map((value) => ({ value, label: stateWords[value].text })),
  },
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
  return (
    <>
      <PageHeader
        title="Operations"
        description="What was done in this project, by whom, and how long each step took."
      />
      <ResourceTable descriptor={operationDescriptor} filters={filters} query={operationList} />
      <OperationPanel />
    </>
  )
}
