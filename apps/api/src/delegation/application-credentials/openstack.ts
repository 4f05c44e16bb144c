import { z } from 'zod'
import { collection, description, idOf, keystoneBase, storing } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { withMicros } from '../moments.ts'
import {
  type AccessRuleView,
  type ApplicationCredentialView,
  accessRuleChoice,
  applicationCredentialInput,
  roleChoice,
} from './contract.ts'
import { deleteAccessRule, getAccessRule, listAccessRules } from './rules.ts'
import {
  createApplicationCredential,
  deleteApplicationCredential,
  getApplicationCredential,
  listApplicationCredentials,
} from './service.ts'

/** Source: Keystone api-ref v3, "Application Credentials". */

/** Clients send times with and without a zone. A time without a zone is in UTC. */
export const momentText = z
  .string()
  .max(64)
  .transform((text) => (/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`).replace(' ', 'T'))
  .pipe(z.iso.datetime({ offset: true, error: 'This is no time: write 2026-12-31T23:59:59Z.' }))

const shape = applicationCredentialInput.shape
const createBody = z.object({
  application_credential: z.object({
    name: shape.name,
    secret: shape.secret.nullish(),
    description,
    expires_at: momentText.nullish(),
    roles: z.array(roleChoice).max(64).nullish(),
    unrestricted: z.boolean().nullish(),
    access_rules: z
      .array(z.union([accessRuleChoice, z.object({ id: z.string().max(64) })]))
      .max(64)
      .nullish(),
    /** Only the project of the token is accepted. */
    project_id: z.string().max(64).nullish(),
  }),
})

const path = '/users/:user_id/application_credentials'
const rules = '/users/:user_id/access_rules'
const userOf = ({ params }: Call) => idOf(params, 'user_id')
const refOf = (call: Call) => ({ userId: userOf(call), id: idOf(call.params) })
/** Callers who see the user, but may not act for the user, get a 403. */
const forOwner = { domainAdmin: 'forbidden', systemReader: 'forbidden', admin: 'forbidden' } as const

export const applicationCredentialOperations: ApiOperation[] = [
  {
    name: 'application_credentials.list',
    method: 'GET',
    path,
    summary: 'List the application credentials of a user',
    status: 200,
    access: 'ofUser',
    filters: { name: 'none-has-it' },
    handle: async (call) => {
      const userId = userOf(call)
      const items = await listApplicationCredentials(call.ctx, {
        userId,
        name: queryText(call.query, 'name')?.slice(0, 255),
      })
      const view = (base: string, row: ApplicationCredentialView) => credentialView(base, userId, row)
      return collection(
        call,
        `users/${userId}/application_credentials`,
        'application_credentials',
        { items },
        view,
      )
    },
  },
  {
    name: 'application_credentials.create',
    method: 'POST',
    path,
    summary: 'Make an application credential',
    status: 201,
    access: 'mine',
    except: forOwner,
    deviation:
      'A secret that the user chooses follows the rules of passwords. The user must hold the named roles now; when they lose a role, the credential loses the role, too, and is not deleted.',
    handle: create,
  },
  {
    name: 'application_credentials.get',
    method: 'GET',
    path: `${path}/:id`,
    summary: 'Show an application credential',
    status: 200,
    access: 'ofUser',
    handle: async (call) => ({
      application_credential: credentialView(
        keystoneBase(call),
        userOf(call),
        await getApplicationCredential(call.ctx, refOf(call)),
      ),
    }),
  },
  {
    name: 'application_credentials.delete',
    method: 'DELETE',
    path: `${path}/:id`,
    summary: 'Delete an application credential',
    status: 204,
    access: 'ofUser',
    except: { systemReader: 'forbidden' },
    handle: async (call) => {
      await deleteApplicationCredential(call.ctx, refOf(call))
    },
  },
  {
    name: 'access_rules.list',
    method: 'GET',
    path: rules,
    summary: 'List the access rules of a user',
    status: 200,
    access: 'ofUser',
    filters: { service: 'none-has-it', method: 'OPTIONS', path: '/none-has-it' },
    handle: async (call) => {
      const userId = userOf(call)
      const items = await listAccessRules(call.ctx, {
        userId,
        service: queryText(call.query, 'service'),
        method: queryText(call.query, 'method'),
        path: queryText(call.query, 'path'),
      })
      const view = (base: string, row: AccessRuleView) => ruleView(base, userId, row)
      return collection(call, `users/${userId}/access_rules`, 'access_rules', { items }, view)
    },
  },
  {
    name: 'access_rules.get',
    method: 'GET',
    path: `${rules}/:id`,
    summary: 'Show an access rule',
    status: 200,
    access: 'ofUser',
    handle: async (call) => ({
      access_rule: ruleView(keystoneBase(call), userOf(call), await getAccessRule(call.ctx, refOf(call))),
    }),
  },
  {
    name: 'access_rules.delete',
    method: 'DELETE',
    path: `${rules}/:id`,
    summary: 'Delete an access rule that no application credential uses',
    status: 204,
    access: 'ofUser',
    except: { systemReader: 'forbidden' },
    handle: async (call) => {
      await deleteAccessRule(call.ctx, refOf(call))
    },
  },
]

async function create(call: Call): Promise<object> {
  const { application_credential: given } = createBody.parse(call.body)
  const userId = userOf(call)
  const made = await storing('application_credential', { name: given.name }, () =>
    createApplicationCredential(call.ctx, {
      userId,
      name: given.name,
      description: given.description,
      secret: given.secret ?? undefined,
      expiresAt: given.expires_at,
      roles: given.roles ?? undefined,
      unrestricted: given.unrestricted ?? false,
      accessRules: given.access_rules?.length === 0 ? undefined : (given.access_rules ?? undefined),
    }),
  )
  const view = credentialView(keystoneBase(call), userId, made)
  return { application_credential: { ...view, secret: made.secret } }
}

/** Keystone writes this time without a zone. */
const moment = (text: string | null) => withMicros(text)?.replace('Z', '') ?? null

const credentialView = (base: string, userId: string, row: ApplicationCredentialView) => ({
  id: row.id,
  name: row.name,
  description: row.description,
  user_id: userId,
  project_id: row.project.id,
  system: null,
  roles: row.roles.map((role) => ({ id: role.id, name: role.name, domain_id: role.domainId })),
  expires_at: moment(row.expiresAt),
  unrestricted: row.unrestricted,
  access_rules: (row.accessRules ?? []).map(({ id, service, method, path: at }) => ({
    id,
    service,
    method,
    path: at,
  })),
  links: { self: `${base}/users/${userId}/application_credentials/${row.id}` },
})

const ruleView = (base: string, userId: string, { id, service, method, path: at }: AccessRuleView) => ({
  id,
  service,
  method,
  path: at,
  links: { self: `${base}/users/${userId}/access_rules/${id}` },
})
