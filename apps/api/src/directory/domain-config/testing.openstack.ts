import type { Examples, Tenant } from '../../openstack/testing.ts'
import { aDisabledDomain, none } from '../openstack/testing.shared.ts'
import { putDomainConfig } from './service.ts'

const identity = { driver: 'sql', list_limit: 100 }
const group = { group: 'identity' }
const option = { group: 'identity', option: 'list_limit' }

/** Requests about a domain that has a configuration; `more` has further parameters of the path. */
const of = (more: Record<string, string>, body?: unknown) => ({
  make: async (tenant: Tenant) => {
    const { id } = await aDisabledDomain(tenant)
    await putDomainConfig(tenant.admin, id, { identity })
    return { params: { id, ...more }, ...(body === undefined ? {} : { body }) }
  },
})

export const domainConfigExamples: Examples = {
  'domain_config.default': none,
  'domain_config.group.default': { make: () => ({ params: group }) },
  'domain_config.option.default': { make: () => ({ params: option }) },
  'domain_config.put': {
    make: async (tenant) => ({
      params: { id: (await aDisabledDomain(tenant)).id },
      body: { config: { identity } },
    }),
  },
  'domain_config.get': of({}),
  'domain_config.update': of({}, { config: { identity: { list_limit: 5 } } }),
  'domain_config.delete': of({}),
  'domain_config.group.get': of(group),
  'domain_config.group.update': of(group, { config: { identity } }),
  'domain_config.group.delete': of(group),
  'domain_config.option.get': of(option),
  'domain_config.option.update': of(option, { config: { list_limit: 7 } }),
  'domain_config.option.delete': of(option),
}
