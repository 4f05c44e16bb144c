import { listZones } from '../../hosts/service.ts'
import { micros } from '../../openstack/fields.ts'
import type { ApiOperation } from '../../openstack/operation.ts'

const zone = (name: string, available: boolean, hosts: object | null) => ({
  zoneName: name,
  zoneState: { available },
  hosts,
})

export const zoneOperations: ApiOperation[] = [
  {
    name: 'zones.list',
    method: 'GET',
    path: '/os-availability-zone',
    summary: 'List availability zones',
    status: 200,
    access: 'anyone',
    handle: async ({ ctx }) => ({
      availabilityZoneInfo: (await listZones(ctx, { detail: false })).map((z) =>
        zone(z.name, z.available, null),
      ),
    }),
  },
  {
    name: 'zones.detail',
    method: 'GET',
    path: '/os-availability-zone/detail',
    summary: 'List availability zones with their hosts',
    status: 200,
    access: 'adminRead',
    deviation: 'No zone “internal”: the services behind it are not machines of their own.',
    handle: async ({ ctx }) => ({
      availabilityZoneInfo: (await listZones(ctx, { detail: true })).map((z) =>
        zone(
          z.name,
          z.available,
          Object.fromEntries(
            z.hosts.map((host) => [
              host.name,
              {
                'nova-compute': {
                  available: host.up,
                  active: host.enabled,
                  updated_at: micros(host.lastSeenAt),
                },
              },
            ]),
          ),
        ),
      ),
    }),
  },
]
