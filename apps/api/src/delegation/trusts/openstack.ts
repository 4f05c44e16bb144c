import { z } from 'zod'
import { namedRole } from '../../directory/service.ts'
import { HttpError } from '../../openstack/errors.ts'
import { collection, idOf, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { momentText } from '../application-credentials/openstack.ts'
import { withMicros } from '../moments.ts'
import { type TrustView, trustInput } from './contract.ts'
import { createTrust, deleteTrust, getTrust, listTrusts } from './service.ts'

/** Source: Keystone api-ref v3, OS-TRUST. */

const shape = trustInput.shape
const createBody = z.object({
  trust: z.object({
    trustor_user_id: shape.trustorId,
    trustee_user_id: shape.trusteeId,
    project_id: shape.projectId,
    roles: shape.roles.nullish(),
    impersonation: shape.impersonation,
    expires_at: momentText.nullish(),
    remaining_uses: shape.remainingUses,
    allow_redelegation: z.boolean().nullish(),
    redelegation_count: shape.redelegationCount,
  }),
})
const path = '/OS-TRUST/trusts'
/** A trust concerns two users; administrators of their domain have no part in it. */
const parties = { domainAdmin: 'not_found' } as const

export const trustOperations: ApiOperation[] = [
  {
    name: 'trusts.list',
    method: 'GET',
    path,
    summary: 'List trusts: given and held, or all for administrators and readers of the system',
    status: 200,
    access: 'anyone',
    filters: { trustor_user_id: 'none-has-it', trustee_user_id: 'none-has-it' },
    handle: async (call) => {
      const listed = await listTrusts(call.ctx, {
        trustorId: queryText(call.query, 'trustor_user_id')?.slice(0, 64),
        trusteeId: queryText(call.query, 'trustee_user_id')?.slice(0, 64),
      })
      return collection(call, 'OS-TRUST/trusts', 'trusts', listed, trustView)
    },
  },
  {
    name: 'trusts.create',
    method: 'POST',
    path,
    summary: 'Let another user act with some of the caller’s roles',
    status: 201,
    access: 'mine',
    // Nobody gives the rights of another user. The body names the trustor, so a 403 tells the caller nothing new.
    except: {
      ownerReader: 'forbidden',
      stranger: 'forbidden',
      domainAdmin: 'forbidden',
      systemReader: 'forbidden',
      admin: 'forbidden',
      unscoped: 'forbidden',
    },
    deviation: 'A trust that is handed on keeps its first trustor, with impersonation or without.',
    handle: create,
  },
  {
    name: 'trusts.get',
    method: 'GET',
    path: `${path}/:id`,
    summary: 'Show a trust',
    status: 200,
    access: 'ofUser',
    except: parties,
    handle: async (call) => ({ trust: fullView(keystoneBase(call), await read(call)) }),
  },
  {
    name: 'trusts.delete',
    method: 'DELETE',
    path: `${path}/:id`,
    summary: 'Delete a trust and everything made from it',
    status: 204,
    access: 'ofUser',
    except: { ...parties, systemReader: 'forbidden' },
    handle: async (call) => {
      await deleteTrust(call.ctx, { id: idOf(call.params) })
    },
  },
  {
    name: 'trusts.roles.list',
    method: 'GET',
    path: `${path}/:id/roles`,
    summary: 'Roles that a trust gives',
    status: 200,
    access: 'ofUser',
    except: parties,
    handle: async (call) => {
      const trust = await read(call)
      return collection(call, `OS-TRUST/trusts/${trust.id}/roles`, 'roles', { items: trust.roles }, namedRole)
    },
  },
  {
    name: 'trusts.roles.get',
    method: 'GET',
    path: `${path}/:id/roles/:role_id`,
    summary: 'Does a trust give a role?',
    status: 200,
    access: 'ofUser',
    except: parties,
    handle: async (call) => {
      const trust = await read(call)
      const role = trust.roles.find((one) => one.id === idOf(call.params, 'role_id'))
      if (!role) throw new HttpError(404, 'This trust does not give that role.')
      return { role: namedRole(keystoneBase(call), role) }
    },
  },
]

const read = (call: Call) => getTrust(call.ctx, { id: idOf(call.params) })

async function create(call: Call): Promise<object> {
  const { trust } = createBody.parse(call.body)
  const made = await createTrust(call.ctx, {
    trustorId: trust.trustor_user_id,
    trusteeId: trust.trustee_user_id,
    projectId: trust.project_id,
    roles: trust.roles ?? [],
    impersonation: trust.impersonation,
    expiresAt: trust.expires_at,
    remainingUses: trust.remaining_uses,
    allowRedelegation: trust.allow_redelegation ?? false,
    redelegationCount: trust.redelegation_count,
  })
  return { trust: fullView(keystoneBase(call), made) }
}

const trustView = (base: string, trust: TrustView) => ({
  id: trust.id,
  trustor_user_id: trust.trustorId,
  trustee_user_id: trust.trusteeId,
  project_id: trust.projectId,
  impersonation: trust.impersonation,
  expires_at: withMicros(trust.expiresAt),
  deleted_at: null,
  remaining_uses: trust.remainingUses,
  redelegation_count: trust.redelegationCount,
  ...(trust.redelegatedTrustId === null ? {} : { redelegated_trust_id: trust.redelegatedTrustId }),
  links: { self: `${base}/OS-TRUST/trusts/${trust.id}` },
})
const fullView = (base: string, trust: TrustView) => ({
  ...trustView(base, trust),
  roles: trust.roles.map((role) => namedRole(base, role)),
  roles_links: { next: null, self: `${base}/OS-TRUST/trusts/${trust.id}/roles`, previous: null },
})
