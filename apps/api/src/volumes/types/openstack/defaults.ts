import { z } from 'zod'
import type { ApiOperation, Call } from '../../../openstack/operation.ts'
import { inner } from '../../../openstack/schema.ts'
import {
  type DefaultType,
  defaultTypeOf,
  listDefaultTypes,
  setDefaultType,
  unsetDefaultType,
} from '../access.ts'

const projectOf = ({ params }: Call) => ({ projectId: params.default_project_id ?? '' })
const view = ({ projectId, typeId }: DefaultType) => ({ project_id: projectId, volume_type_id: typeId })
const wish = z.strictObject({ volume_type: z.string().min(1).max(255) })
const item = { path: '/default-types/:default_project_id', names: ['default_project_id'], since: 62 }

/** The types of volumes for which the users of a project name none. */
export const defaultTypeOperations: ApiOperation[] = [
  {
    path: '/default-types',
    name: 'default_types.list',
    method: 'GET',
    summary: 'List the default volume types of projects',
    status: 200,
    access: 'adminRead',
    since: 62,
    handle: async ({ ctx }) => ({ default_types: (await listDefaultTypes(ctx)).map(view) }),
  },
  {
    ...item,
    name: 'default_types.get',
    method: 'GET',
    summary: 'Show the default volume type of a project',
    status: 200,
    access: 'adminRead',
    handle: async (call) => ({ default_type: view(await defaultTypeOf(call.ctx, projectOf(call))) }),
  },
  {
    ...item,
    name: 'default_types.set',
    method: 'PUT',
    summary: 'Give a project a default volume type of its own',
    status: 200,
    access: 'admin',
    deviation: 'The project must be allowed to use the type (400).',
    async handle(call) {
      const { volume_type: type } = inner(call, 'default_type', wish)
      return { default_type: view(await setDefaultType(call.ctx, { ...projectOf(call), type })) }
    },
  },
  {
    ...item,
    name: 'default_types.unset',
    method: 'DELETE',
    summary: 'Let the default volume type of the cloud hold for a project again',
    status: 204,
    access: 'admin',
    handle: (call) => unsetDefaultType(call.ctx, projectOf(call)),
  },
]
