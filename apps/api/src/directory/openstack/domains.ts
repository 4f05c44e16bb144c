import { z } from 'zod'
import { changedExtra, eachInTurn, extraOf } from '../../openstack/extra.ts'
import {
  collection,
  description,
  idOf,
  keystoneBase,
  newDescription,
  storing,
  unchangeable,
} from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { domainInput, domainListInput } from '../projects/contract.ts'
import { createDomain, deleteDomain, findDomains, getDomain, updateDomain } from '../projects/domains.ts'
import { directoryFilter } from './shared.ts'
import { domainView } from './views.ts'

const { name, enabled, tags, options } = domainInput.shape
const fields = { name, description, enabled, tags, options }
const created = z.object({
  domain: z.looseObject({
    ...fields,
    explicit_domain_id: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'Domain ID does not conform to required UUID format.')
      .nullish(),
  }),
})
const updated = z.object({
  domain: z.looseObject({
    ...fields,
    name: name.optional(),
    description: newDescription,
    enabled: enabled.unwrap().optional(),
  }),
})
/** In Keystone a domain is also a project, so a body may name everything that a project has. */
const known = [...Object.keys(fields), 'explicit_domain_id', 'is_domain', 'domain_id', 'parent_id']
const texts = ['description']

export const domainOperations: ApiOperation[] = [
  {
    name: 'domains.list',
    method: 'GET',
    path: '/domains',
    summary: 'List domains',
    status: 200,
    access: 'domainRead',
    filters: { name: 'none-has-it', enabled: 'false' },
    handle: async (call) => {
      const listed = await findDomains(call.ctx, domainListInput.parse(directoryFilter(call.query)))
      return collection(call, 'domains', 'domains', listed, domainView)
    },
  },
  {
    name: 'domains.get',
    method: 'GET',
    path: '/domains/:id',
    summary: 'Show a domain',
    status: 200,
    access: 'ofProject',
    handle: async (call) => ({
      domain: domainView(keystoneBase(call), await getDomain(call.ctx, { id: idOf(call.params) })),
    }),
  },
  {
    name: 'domains.create',
    method: 'POST',
    path: '/domains',
    summary: 'Make a domain',
    status: 201,
    access: 'admin',
    handle: async (call) => {
      const { domain } = created.parse(call.body)
      const id = domain.explicit_domain_id ?? undefined
      const input = {
        name: domain.name,
        ...columnsOf(domain),
        ...changedExtra({}, extraOf(call.body, 'domain', known, texts)),
      }
      const made = await storing('project', domain, () => createDomain(call.ctx, input, id))
      return { domain: domainView(keystoneBase(call), made) }
    },
  },
  {
    name: 'domains.update',
    method: 'PATCH',
    path: '/domains/:id',
    summary: 'Change a domain',
    status: 200,
    access: 'ofProjectWrite',
    // The name of a domain and whether it is enabled are the business of the cloud's administrators.
    except: { domainAdmin: 'forbidden' },
    handle: eachInTurn(
      (call) => getDomain(call.ctx, { id: idOf(call.params) }),
      async (call, before) => {
        const { domain } = updated.parse(call.body)
        unchangeable(domain, { id: before.id })
        const own = changedExtra(before.extra, extraOf(call.body, 'domain', known, texts))
        const change = { id: before.id, name: domain.name, ...columnsOf(domain), ...own }
        const now = await storing('project', { name: domain.name ?? '' }, () =>
          updateDomain(call.ctx, change),
        )
        return { domain: domainView(keystoneBase(call), now) }
      },
    ),
  },
  {
    name: 'domains.delete',
    method: 'DELETE',
    path: '/domains/:id',
    summary: 'Delete a disabled domain with its users, groups and projects',
    status: 204,
    access: 'ofDomainWrite',
    // Administrators of a domain can never delete it, because their domain is enabled while they work in it.
    except: { domainAdmin: 'not_found' },
    deviation:
      'Deleting a domain whose projects still have servers, networks or images is a 409: delete those projects first. Keystone would leave these things behind.',
    handle: async ({ ctx, params }) => {
      await deleteDomain(ctx, { id: idOf(params) })
    },
  },
]

type Columns = Pick<z.output<typeof updated>['domain'], 'description' | 'enabled' | 'tags' | 'options'>
const columnsOf = ({ description, enabled, tags, options }: Columns) => ({
  description,
  enabled,
  tags,
  options,
})
