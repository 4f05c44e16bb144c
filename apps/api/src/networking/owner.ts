import { projectExists } from '../directory/service.ts'
import { type Ctx, isAdmin, listScope, projectOf, seesAll } from '../kernel/context.ts'
import { CloudError, notFound } from '../kernel/errors.ts'

/**
 * Whose a new thing is: the caller's project, or the one that an administrator names. Throws
 * `invalid_input` for anybody else who names another (as Neutron does), not_found for one that is none.
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

/** Of whose things a list is: of the session's project, of the one that is named, or of all. */
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
