import { z } from 'zod'
import { tokenAnswer } from '../../identity/service.ts'
import { collection, idOf, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { type Ec2CredentialView, ec2CredentialInput } from './contract.ts'
import { createEc2Credential, deleteEc2Credential, getEc2Credential, listEc2Credentials } from './service.ts'
import { issueBySignature } from './sign-in.ts'
import { signedRequest } from './signature.ts'

/** Source: Keystone api-ref v3, OS-EC2, as the stock client uses it. */

const ec2Body = z.object({ tenant_id: ec2CredentialInput.shape.projectId.nullish() })

/**
 * EC2 secrets of a user whom these callers see: only their owner and administrators of the cloud may read or change
 * them.
 */
const ownersOfUser = { domainAdmin: 'forbidden', systemReader: 'forbidden', admin: 'ok' } as const
const ec2 = '/users/:user_id/credentials/OS-EC2'
const ec2Ref = ({ params }: Call) => ({ userId: idOf(params, 'user_id'), access: idOf(params, 'access') })

export const ec2Operations: ApiOperation[] = [
  {
    name: 'ec2_credentials.list',
    method: 'GET',
    path: ec2,
    summary: 'List EC2 credentials',
    status: 200,
    access: 'mine',
    except: ownersOfUser,
    handle: async (call) => {
      const userId = idOf(call.params, 'user_id')
      const items = await listEc2Credentials(call.ctx, { userId })
      return collection(call, `users/${userId}/credentials/OS-EC2`, 'credentials', { items }, ec2View)
    },
  },
  {
    name: 'ec2_credentials.create',
    method: 'POST',
    path: ec2,
    summary: 'Make an EC2 credential for a project',
    status: 201,
    access: 'mine',
    except: ownersOfUser,
    handle: async (call) => {
      const { tenant_id: projectId } = ec2Body.parse(call.body ?? {})
      const input = { userId: idOf(call.params, 'user_id'), projectId: projectId ?? undefined }
      return { credential: ec2View(keystoneBase(call), await createEc2Credential(call.ctx, input)) }
    },
  },
  {
    name: 'ec2_credentials.get',
    method: 'GET',
    path: `${ec2}/:access`,
    summary: 'Show an EC2 credential',
    status: 200,
    access: 'mine',
    except: ownersOfUser,
    handle: async (call) => ({
      credential: ec2View(keystoneBase(call), await getEc2Credential(call.ctx, ec2Ref(call))),
    }),
  },
  {
    name: 'ec2_credentials.delete',
    method: 'DELETE',
    path: `${ec2}/:access`,
    summary: 'Delete an EC2 credential',
    status: 204,
    access: 'mine',
    except: ownersOfUser,
    handle: async (call) => {
      await deleteEc2Credential(call.ctx, ec2Ref(call))
    },
  },
  {
    name: 'ec2tokens.create',
    method: 'POST',
    path: '/ec2tokens',
    summary: 'Issue a token for the user who signed a request with an EC2 credential (version 2 or 4)',
    status: 200,
    access: 'admin',
    deviation:
      'Only for services (role admin or service), as Keystone since OSSA-2025-002; versions 0 and 1 are refused; signatures are good for 15 minutes.',
    handle: async ({ ctx, body, query, request, reply }) => {
      const parts = body as { credentials?: unknown; ec2Credentials?: unknown } | undefined
      const signed = signedRequest.parse(parts?.credentials ?? parts?.ec2Credentials)
      const issued = await issueBySignature(ctx, signed, request.ip)
      reply.header('X-Subject-Token', issued.text)
      return tokenAnswer(ctx, issued.facts, query)
    },
  },
]

const ec2View = (base: string, row: Ec2CredentialView) => ({
  access: row.access,
  secret: row.secret,
  user_id: row.userId,
  tenant_id: row.project.id,
  trust_id: row.trustId,
  links: { self: `${base}/users/${row.userId}/credentials/OS-EC2/${row.access}` },
})
