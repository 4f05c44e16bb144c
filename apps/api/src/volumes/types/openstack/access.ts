import { z } from 'zod'
import type { ApiOperation } from '../../../openstack/operation.ts'
import { parse } from '../../../openstack/schema.ts'
import { grantType, revokeType, typeAccess } from '../access.ts'
import { typeOf } from './types.ts'

const wish = z.strictObject({ project: z.string().regex(/^[\w-]{1,64}$/, 'is no id of a project') })
const changes = [
  ['addProjectAccess', 'Let a project use a volume type that is not public', grantType],
  ['removeProjectAccess', 'Take the use of a volume type from a project', revokeType],
] as const

export const accessOperations: ApiOperation[] = [
  {
    name: 'types.access.list',
    method: 'GET',
    path: '/types/:type_id/os-volume-type-access',
    summary: 'List the projects that may use a volume type that is not public',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({
      volume_type_access: (await typeAccess(call.ctx, typeOf(call))).map((project_id) => ({
        volume_type_id: typeOf(call).id,
        project_id,
      })),
    }),
  },
  ...changes.map(
    ([action, summary, change]): ApiOperation => ({
      name: `types.${action}`,
      method: 'POST',
      path: '/types/:type_id/action',
      action,
      summary,
      status: 202,
      access: 'admin',
      handle: async (call) => {
        const { project: projectId } = parse(wish, call.body)
        await change(call.ctx, { ...typeOf(call), projectId })
      },
    }),
  ),
]
