import { projectExists } from '../directory/service.ts'
import { type Ctx, isAdmin, listScope, projectOf, seesAll } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'

/**
 * Returns the project that a new thing belongs to: the caller's, or the one that an administrator names. Throws
 * `invalid_input` when anybody else names another project (as Neutron does), and not_found for an unknown project.
 */
export async function ownerOf(ctx: Ctx, wish: string | undefined): Promise<string> {
  if (wish === undefined || (ctx.scope.kind === 'project' && ctx.scope.projectId === wish))
    return projectOf(ctx)
  if (!isAdmin(ctx))
    throw new CloudError(
      'invalid_input',
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
      { field: 'projectId', reason: 'HTTPBadRequest' },
    )
  if (!(await projectExists(ctx, wish, 'any'))) throw notFound('project', wish)
  return wish
}

/** A condition for the project of a list: the session's project, the named one, or all projects. Throws forbidden. */
export function ownedScope(
  ctx: Ctx,
  input: { allProjects?: boolean; projectId?: string },
): { projectId?: string } {
  const { projectId } = input
  if (projectId === undefined) return listScope(ctx, input)
  const own = ctx.scope.kind === 'project' && ctx.scope.projectId === projectId
  if (!own && !seesAll(ctx))
    throw new CloudError('forbidden', 'Only an administrator may list what belongs to another project.')
  return { projectId }
}
