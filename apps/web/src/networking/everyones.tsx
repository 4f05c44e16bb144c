import { Text } from '@mantine/core'
import { ProjectName } from '../directory/projects/ProjectName.tsx'
import type { ColumnDef, FactItem, ResourceDescriptor } from '../kit/descriptor.ts'
import { useLook } from '../kit/session.ts'

type Owned = { id: string; projectId: string }

/** Ports that the cloud made for routers and floating IPs belong to no project. */
function Owner({ id, unseen }: { id: string; unseen?: string }) {
  if (id === '')
    return (
      <Text size="sm" c="dimmed">
        The cloud
      </Text>
    )
  return <ProjectName id={id} unseen={unseen} />
}

/** Names the project of each thing in a list of all projects. */
export const projectColumn: ColumnDef<Owned> = {
  id: 'project',
  header: 'Project',
  width: 140,
  cell: ({ projectId }) => <Owner id={projectId} />,
}

/** Makes the descriptor for the list of all projects: its second column names the project of each thing. */
export function everyones<V extends Owned>(
  descriptor: ResourceDescriptor<V>,
  empty: ResourceDescriptor<V>['empty'],
): ResourceDescriptor<V> {
  const [first, ...rest] = descriptor.columns
  // The project takes the room of another column.
  const others = rest.map((column) =>
    ['created', 'network'].includes(column.id) ? { ...column, hideBelow: 'xl' as const } : column,
  )
  return { ...descriptor, columns: [...(first ? [first] : []), projectColumn, ...others], empty }
}

/**
 * Returns the list to which the page of a thing leads back: for a thing of another project than the session's, the list
 * of all projects.
 */
export function useListOf(projectId: string, all: { plural: string; listPath: string }) {
  return useLook(projectId).allProjects ? all : {}
}

/** Returns the fact that names the project of a thing, unless it is the session's project. */
export function useOwnerFact(projectId: string): FactItem[] {
  const { allProjects, hidden } = useLook(projectId)
  if (!allProjects && !hidden) return []
  return [{ label: 'Project', value: <Owner id={projectId} unseen="Another project" /> }]
}
