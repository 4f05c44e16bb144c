import { isAdmin } from '../../kernel/context.ts'
import type { At } from '../../openstack/fields.ts'
import type { Call } from '../../openstack/operation.ts'

/** Reads the version and the project out of the request's own path, as Nova's links repeat them. */
export function at({ ctx, deps, params, minor, request }: Call): At {
  const version = /^\/compute\/(v2(?:\.1)?)(?:\/|\?|$)/.exec(request.url)?.[1] ?? 'v2.1'
  const project = params.project_id === undefined ? '' : `/${params.project_id}`
  const bookmark = `${deps.config.publicUrl}/compute`
  return {
    minor,
    self: `${bookmark}/${version}${project}`,
    bookmark: bookmark + project,
    admin: isAdmin(ctx),
  }
}

export const bookmarkOnly = ({ bookmark }: At, path: string) => [
  { rel: 'bookmark', href: `${bookmark}/${path}` },
]
