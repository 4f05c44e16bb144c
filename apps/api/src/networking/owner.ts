import { projectExists } from '../directory/service.ts'
import { type Ctx, isAdmin, projectOf } from '../kernel/context.ts'
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
