import { z } from 'zod'
import { projectOf } from '../../kernel/context.ts'
import type { QuotaResource } from '../../kernel/contract.ts'
import { authorize } from '../../kernel/policy.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { getQuota, getQuotaDefaults, listOwnQuotas, setQuota } from '../../quota/limits/service.ts'
import { body, readBody, unwrap } from './body.ts'
import { quotaNames as names, uncounted } from './quota-names.ts'
import { operation } from './resource.ts'

const limit = body.int.pipe(z.int().min(-1).max(2_147_483_647)).optional()
/** Nothing counts these things, so only “no limit” can be set. */
const unlimited = body.int
  .pipe(z.literal(-1, 'there is none of them to count, so only -1 (no limit) can be set'))
  .optional()
const put = z.strictObject({
  network: limit,
  subnet: limit,
  port: limit,
  router: limit,
  floatingip: limit,
  security_group: limit,
  security_group_rule: limit,
  subnetpool: unlimited,
  rbac_policy: unlimited,
  check_limit: body.bool.optional(),
  force: body.bool.optional(),
  project_id: body.project.optional(),
  tenant_id: body.project.optional(),
})

const mapped = <T>(value: (resource: QuotaResource) => T, free: T): Record<string, T> =>
  Object.fromEntries([
    ...Object.entries(names).map(([name, resource]) => [name, value(resource)]),
    ...uncounted.map((name) => [name, free]),
  ])

type Quota = Awaited<ReturnType<typeof getQuota>>
const limitsOf = (quota: Quota) => mapped((name) => quota.find((q) => q.resource === name)?.limit ?? -1, -1)
const project = ({ params }: Call) => params.id ?? ''

/** The quota of another project is answered like that of a project that does not exist, whatever the caller's scope. */
const readable = {
  access: 'read',
  except: { domainAdmin: 'not_found', unscoped: 'not_found' },
} as const

export const quotaOperations: ApiOperation[] = [
  operation({
    name: 'quotas.list',
    method: 'GET',
    path: '/quotas',
    summary: 'Quotas of the projects that have other than the default',
    status: 200,
    access: 'adminRead',
    handle: async ({ ctx }) => ({
      quotas: (await listOwnQuotas(ctx, Object.values(names))).map(({ projectId, limits }) => ({
        ...mapped((resource) => limits[resource], -1),
        project_id: projectId,
        tenant_id: projectId,
      })),
    }),
  }),
  operation({
    name: 'quotas.get',
    method: 'GET',
    path: '/quotas/:id',
    summary: 'Quota of a project',
    deviation: 'subnetpool and rbac_policy are not counted: their limit is -1, none.',
    status: 200,
    ...readable,
    handle: async (call) => ({ quota: limitsOf(await getQuota(call.ctx, { projectId: project(call) })) }),
  }),
  ...(['tenant', 'project'] as const).map((word) =>
    operation({
      name: `quotas.${word}`,
      method: 'GET',
      path: `/quotas/${word}`,
      summary: 'The project of the token, as clients ask for it before they ask for a quota',
      status: 200,
      access: 'list',
      except: { systemReader: 'forbidden' },
      handle: async ({ ctx }) => {
        authorize(ctx, 'network:list')
        return { [word]: { [`${word}_id`]: projectOf(ctx) } }
      },
    }),
  ),
  operation({
    name: 'quotas.defaults',
    method: 'GET',
    path: '/quotas/:id/default',
    summary: 'Default quota of a project',
    status: 200,
    ...readable,
    handle: async (call) => {
      await getQuota(call.ctx, { projectId: project(call) })
      const defaults = await getQuotaDefaults(call.ctx)
      return { quota: mapped((name) => defaults.find((d) => d.resource === name)?.limit ?? -1, -1) }
    },
  }),
  operation({
    name: 'quotas.details',
    method: 'GET',
    path: '/quotas/:id/details',
    summary: 'Quota and use of a project',
    status: 200,
    ...readable,
    handle: async (call) => {
      const quota = await getQuota(call.ctx, { projectId: project(call) })
      const of = (name: QuotaResource) => quota.find((q) => q.resource === name)
      return {
        quota: mapped((name) => ({ limit: of(name)?.limit ?? -1, used: of(name)?.used ?? 0, reserved: 0 }), {
          limit: -1,
          used: 0,
          reserved: 0,
        }),
      }
    },
  }),
  operation({
    name: 'quotas.update',
    method: 'PUT',
    path: '/quotas/:id',
    summary: 'Change the quota of a project',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const [item] = unwrap({ name: 'quota', collection: '' }, call.body).items
      const wish = readBody({ name: 'quota', attributes: {} }, put, 'PUT', item)
      const named = Object.entries(names).flatMap(([name, resource]) => {
        const value = wish[name as keyof typeof wish]
        return typeof value === 'number' ? [[resource, value] as const] : []
      })
      const force = wish.check_limit !== true || wish.force === true
      const limits = Object.fromEntries(named)
      return { quota: limitsOf(await setQuota(call.ctx, { projectId: project(call), limits, force })) }
    },
  }),
  operation({
    name: 'quotas.delete',
    method: 'DELETE',
    path: '/quotas/:id',
    summary: 'Give a project the default quota again',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      const limits = Object.fromEntries(Object.values(names).map((resource) => [resource, null]))
      await setQuota(call.ctx, { projectId: project(call), limits, force: true })
    },
  }),
]
