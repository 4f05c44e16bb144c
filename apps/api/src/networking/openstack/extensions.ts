import { zonesWithHosts } from '../../hosts/service.ts'
import { notFound } from '../../kernel/errors.ts'
import { authorize } from '../../kernel/policy.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { extensions } from './extensions.data.ts'
import { valuesOf } from './query.ts'
import { operation } from './resource.ts'

export const extensionOperations: ApiOperation[] = [
  operation({
    name: 'extensions.list',
    method: 'GET',
    path: '/extensions',
    summary: 'List extensions',
    status: 200,
    access: 'anyone',
    handle: async () => ({ extensions }),
  }),
  operation({
    name: 'extensions.get',
    method: 'GET',
    path: '/extensions/:alias',
    summary: 'Show an extension',
    status: 200,
    access: 'anyone',
    handle: async ({ params }) => {
      const extension = extensions.find(({ alias }) => alias === params.alias)
      if (!extension) throw notFound('extension', params.alias ?? '')
      return { extension }
    },
  }),
  operation({
    name: 'availability_zones.list',
    method: 'GET',
    path: '/availability_zones',
    summary: 'List availability zones',
    status: 200,
    access: 'list',
    handle: async ({ ctx, query }) => {
      authorize(ctx, 'network:list')
      const zones = (await zonesWithHosts(ctx)).flatMap(({ name, available }) =>
        ['router', 'network'].map((resource) => ({
          state: available ? 'available' : 'unavailable',
          resource,
          name,
        })),
      )
      const sought = (['name', 'state', 'resource'] as const).filter((key) => query[key] !== undefined)
      return {
        availability_zones: zones.filter((zone) =>
          sought.every((key) => valuesOf(query, key).includes(zone[key])),
        ),
      }
    },
  }),
  operation({
    name: 'service_providers.list',
    method: 'GET',
    path: '/service-providers',
    summary: 'List service providers',
    status: 200,
    access: 'anyone',
    handle: async () => ({
      service_providers: [{ service_type: 'L3_ROUTER_NAT', default: true, name: 'stratolith' }],
    }),
  }),
]
