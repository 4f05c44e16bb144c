import { isAdmin } from '../../kernel/context.ts'
import type { At } from '../../openstack/fields.ts'
import type { Call } from '../../openstack/operation.ts'

/** Reads the project out of the request's own path, as Cinder's links repeat it. */
export function at({ ctx, deps, params, minor }: Call): At {
  const project = params.project_id === undefined ? '' : `/${params.project_id}`
  const base = `${deps.config.publicUrl}/volume`
  return { minor, self: `${base}/v3${project}`, bookmark: base + project, admin: isAdmin(ctx) }
}

export const volumeOf = ({ params }: Call) => ({ id: params.volume_id ?? '' })
export const backupOf = ({ params }: Call) => ({ id: params.backup_id ?? '' })
export const snapshotOf = ({ params }: Call) => ({ id: params.snapshot_id ?? '' })
