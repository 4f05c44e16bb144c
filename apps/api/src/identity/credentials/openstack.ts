import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import { collection, idOf, keystoneBase, unchangeable } from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { type CredentialView, credentialInput, credentialUpdateInput } from './contract.ts'
import {
  createCredential,
  deleteCredential,
  getCredential,
  listCredentials,
  updateCredential,
} from './service.ts'

/** Source: Keystone api-ref v3, "Credentials". */

const createBody = z.object({
  credential: z.looseObject({
    user_id: credentialInput.shape.userId,
    project_id: credentialInput.shape.projectId,
    type: credentialInput.shape.type,
    blob: credentialInput.shape.blob,
  }),
})
const change = credentialUpdateInput.shape
const updateBody = z.object({
  credential: z.looseObject({
    user_id: change.userId,
    project_id: change.projectId,
    type: change.type,
    blob: change.blob,
  }),
})
const known = ['user_id', 'project_id', 'type', 'blob']

/** Only the owner and administrators of the cloud may use a credential; for others it does not exist. */
const owners = { admin: 'ok' } as const

export const credentialOperations: ApiOperation[] = [
  {
    name: 'credentials.list',
    method: 'GET',
    path: '/credentials',
    summary: 'List credentials: the caller’s own, or all for administrators',
    status: 200,
    access: 'anyone',
    filters: { user_id: 'none-has-it', type: 'none-has-it' },
    deviation: 'Readers of the system see their own only: credentials are secrets.',
    handle: async (call) => {
      const listed = await listCredentials(call.ctx, {
        userId: queryText(call.query, 'user_id')?.slice(0, 64),
        type: queryText(call.query, 'type')?.slice(0, 64),
      })
      return collection(call, 'credentials', 'credentials', listed, credentialView)
    },
  },
  {
    name: 'credentials.create',
    method: 'POST',
    path: '/credentials',
    summary: 'Store a secret for a user',
    status: 201,
    access: 'mine',
    except: {
      ownerReader: 'forbidden',
      stranger: 'forbidden',
      domainAdmin: 'forbidden',
      systemReader: 'forbidden',
      admin: 'ok',
      unscoped: 'forbidden',
    },
    deviation: 'Callers may not write trust_id and app_cred_id into a blob (403).',
    handle: async (call) => {
      const { credential } = createBody.parse(call.body)
      const made = await createCredential(call.ctx, {
        userId: credential.user_id,
        projectId: credential.project_id,
        type: credential.type,
        blob: credential.blob,
        ...changedExtra({}, extraOf(call.body, 'credential', known)),
      })
      return { credential: credentialView(keystoneBase(call), made) }
    },
  },
  {
    name: 'credentials.get',
    method: 'GET',
    path: '/credentials/:id',
    summary: 'Show a credential',
    status: 200,
    access: 'mine',
    except: owners,
    deviation: 'The seed of an authenticator (totp) is not shown again: its blob is empty.',
    handle: async (call) => ({
      credential: credentialView(
        keystoneBase(call),
        await getCredential(call.ctx, { id: idOf(call.params) }),
      ),
    }),
  },
  {
    name: 'credentials.update',
    method: 'PATCH',
    path: '/credentials/:id',
    summary: 'Replace a secret',
    status: 200,
    access: 'mine',
    except: owners,
    deviation: 'user_id never changes, project_id only by an administrator of the cloud (403).',
    handle: eachInTurn(
      (call) => getCredential(call.ctx, { id: idOf(call.params) }),
      async (call, before) => {
        const { credential } = updateBody.parse(call.body)
        unchangeable(credential, { id: before.id })
        const changed = await updateCredential(call.ctx, {
          id: before.id,
          userId: credential.user_id,
          projectId: credential.project_id,
          type: credential.type,
          blob: credential.blob,
          ...changedExtra(before.extra, extraOf(call.body, 'credential', known)),
        })
        return { credential: credentialView(keystoneBase(call), changed) }
      },
    ),
  },
  {
    name: 'credentials.delete',
    method: 'DELETE',
    path: '/credentials/:id',
    summary: 'Delete a credential',
    status: 204,
    access: 'mine',
    except: owners,
    handle: async (call) => {
      await deleteCredential(call.ctx, { id: idOf(call.params) })
    },
  },
]

const credentialView = (base: string, row: CredentialView) => ({
  ...row.extra,
  id: row.id,
  user_id: row.userId,
  project_id: row.projectId,
  type: row.type,
  blob: row.blob,
  links: { self: `${base}/credentials/${row.id}` },
})
