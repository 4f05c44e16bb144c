import { HttpError } from '../../openstack/errors.ts'
import { keystoneBase, switchedOn } from '../../openstack/keystone.ts'
import type { Call } from '../../openstack/operation.ts'
import type { DomainView, ProjectDetail } from '../projects/contract.ts'
import { projectsOfDomain, projectTree } from '../projects/service.ts'
import { projectView } from './views.ts'

type Ids = { [id: string]: Ids } | null

/**
 * `parents` and `subtree` of a project, or of a domain as its project, as a list of projects or as nested ids, as the
 * query asks.
 */
export async function treeOf(call: Call, node: ProjectDetail | DomainView): Promise<object> {
  const on = (name: string) => switchedOn(call.query, name)
  for (const which of ['parents', 'subtree'])
    if (on(`${which}_as_list`) && on(`${which}_as_ids`))
      throw new HttpError(400, `Ask for ${which}_as_list or ${which}_as_ids, not for both.`)
  const asked = ['parents_as_list', 'parents_as_ids', 'subtree_as_list', 'subtree_as_ids'].filter(on)
  if (asked.length === 0) return {}
  const project = 'domainId' in node ? node : null
  const tree = project
    ? await projectTree(call.ctx, { id: node.id })
    : { parents: [], subtree: await projectsOfDomain(call.ctx, { id: node.id }) }
  const base = keystoneBase(call)
  const subtree = tree.subtree.filter((row) => !row.deleting)
  const list = (rows: ProjectDetail[]) => rows.map((row) => ({ project: projectView(base, row) }))
  return {
    ...(on('parents_as_list') ? { parents: list(tree.parents) } : {}),
    ...(on('parents_as_ids') ? { parents: project && parentIds(project, tree.parents) } : {}),
    ...(on('subtree_as_list') ? { subtree: list(subtree) } : {}),
    ...(on('subtree_as_ids') ? { subtree: idsBelow(node.id, subtree) } : {}),
  }
}

/** For example {"parent": {"grandparent": {"domain": null}}}. */
const parentIds = (project: ProjectDetail, parents: ProjectDetail[]): Ids =>
  [...parents.map((row) => row.id), project.domainId].reduceRight<Ids>((above, id) => ({ [id]: above }), null)

/** For example {"child": {"grandchild": null}}; null where no project is below. */
function idsBelow(id: string, subtree: ProjectDetail[]): Ids {
  const children = subtree.filter((row) => (row.parentId ?? row.domainId) === id)
  return children.length === 0
    ? null
    : Object.fromEntries(children.map((row) => [row.id, idsBelow(row.id, subtree)]))
}
