import { z } from 'zod'
import { collection, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { idOf } from '../openstack/shared.ts'
import {
  createStoredPolicy,
  deleteStoredPolicy,
  getStoredPolicy,
  listStoredPolicies,
  type StoredPolicyView,
  storedPolicyInput,
  updateStoredPolicy,
} from './service.ts'

/** Source: Keystone api-ref v3, "Policies" (deprecated). */

const createBody = z.object({ policy: storedPolicyInput })
const updateBody = z.object({ policy: storedPolicyInput.partial() })
const deviation = 'Kept for programs that ask for it; the rules of this cloud are in policy.yaml.'

export const storedPolicyOperations: ApiOperation[] = [
  {
    name: 'policies.list',
    method: 'GET',
    path: '/policies',
    summary: 'List stored policies',
    status: 200,
    access: 'adminRead',
    deviation,
    handle: async (call) => {
      const items = await listStoredPolicies(call.ctx, queryText(call.query, 'type')?.slice(0, 255))
      return collection(call, 'policies', 'policies', { items }, view)
    },
  },
  {
    name: 'policies.create',
    method: 'POST',
    path: '/policies',
    summary: 'Store a policy',
    status: 201,
    access: 'admin',
    deviation,
    handle: async (call) => {
      const { policy } = createBody.parse(call.body)
      return shown(call, await createStoredPolicy(call.ctx, policy))
    },
  },
  {
    name: 'policies.get',
    method: 'GET',
    path: '/policies/:id',
    summary: 'Show a stored policy',
    status: 200,
    access: 'adminRead',
    handle: async (call) => shown(call, await getStoredPolicy(call.ctx, idOf(call.params))),
  },
  {
    name: 'policies.update',
    method: 'PATCH',
    path: '/policies/:id',
    summary: 'Change a stored policy',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const { policy } = updateBody.parse(call.body)
      return shown(call, await updateStoredPolicy(call.ctx, { id: idOf(call.params), ...policy }))
    },
  },
  {
    name: 'policies.delete',
    method: 'DELETE',
    path: '/policies/:id',
    summary: 'Delete a stored policy',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await deleteStoredPolicy(call.ctx, idOf(call.params))
    },
  },
]

const view = (base: string, { id, type, blob }: StoredPolicyView) => ({
  id,
  type,
  blob,
  links: { self: `${base}/policies/${id}` },
})
const shown = (call: Call, row: StoredPolicyView) => ({ policy: view(keystoneBase(call), row) })
