import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'

export type ProjectNode = { project: ProjectDetail; children: ProjectNode[] }
export type DomainNode = { id: string; name: string; projects: ProjectNode[] }

/** Puts projects below their parents, by name. A project whose parent is not in the list becomes a root. */
export function treeOf(projects: readonly ProjectDetail[]): DomainNode[] {
  const known = new Set(projects.map(({ id }) => id))
  const below = Map.groupBy(projects, ({ parentId, domainId }) =>
    parentId !== null && known.has(parentId) ? parentId : `domain:${domainId}`,
  )
  const nodesOf = (key: string): ProjectNode[] =>
    (below.get(key) ?? [])
      .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
      .map((project) => ({ project, children: nodesOf(project.id) }))
  const domains = new Map(projects.map(({ domainId, domainName }) => [domainId, domainName]))
  return [...domains]
    .toSorted(([, a], [, b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([id, name]) => ({ id, name, projects: nodesOf(`domain:${id}`) }))
}
