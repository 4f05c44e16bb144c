import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import { collection, idOf, keystoneBase, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
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

const { type, blob } = storedPolicyInput.shape
const createBody = z.object({ policy: z.looseObject({ type, blob }) })
const updateBody = z.object({ policy: z.looseObject({ type: type.optional(), blob: blob.optional() }) })
const known = ['type', 'blob']
const deviation = 'Kept for programs that ask for it; the rules of this cloud are in policy.yaml.'

export const storedPolicyOperations: ApiOperation[] = [
  {
    name: 'policies.list',
    method: 'GET',
    path: '/policies',
    summary: 'List stored policies',
    status: 200,
    access: 'adminRead',
    filters: { type: 'none-has-it' },
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
      const own = changedExtra({}, extraOf(call.body, 'policy', known))
      const { type, blob } = policy
      return shown(call, await createStoredPolicy(call.ctx, { type, blob, ...own }))
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
    handle: eachInTurn(
      (call) => getStoredPolicy(call.ctx, idOf(call.params)),
      async (call, { id, extra }) => {
        const { policy } = updateBody.parse(call.body)
        unchangeable(policy, { id })
        const own = changedExtra(extra, extraOf(call.body, 'policy', known))
        const { type, blob } = policy
        return shown(call, await updateStoredPolicy(call.ctx, { id, type, blob, ...own }))
      },
    ),
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

const view = (base: string, { id, type, blob, extra }: StoredPolicyView) => ({
  ...extra,
  id,
  type,
  blob,
  links: { self: `${base}/policies/${id}` },
})
const shown = (call: Call, row: StoredPolicyView) => ({ policy: view(keystoneBase(call), row) })
