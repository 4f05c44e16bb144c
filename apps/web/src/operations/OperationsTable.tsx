'use client'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { OperationPanel } from './OperationPanel.tsx'
import { operationDescriptor } from './operation.descriptor.tsx'

/**
 * Operations in one project or by one user, for readers who see the whole cloud. `none` is shown when there are none.
 */
export function OperationsTable({
  of,
  none,
}: {
  of: { projectId: string } | { actorId: string }
  none: string
}) {
  const trpc = useTRPC()
  return (
    <>
      <ResourceTable
        descriptor={{ ...operationDescriptor, empty: { title: 'Nothing has happened yet', text: none } }}
        query={(page) => trpc.operations.list.queryOptions({ ...page, ...of, allProjects: true })}
      />
      <OperationPanel />
    </>
  )
}
