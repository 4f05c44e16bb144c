import { listZones } from '../../hosts/service.ts'
import { isAdmin } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { getQuota } from '../../quota/limits/service.ts'
import { lookup } from './quotas.ts'

async function limits(call: Call): Promise<object> {
  const of = lookup(await getQuota(call.ctx, ofProject(call)))
  const [volumes, gib, snapshots] = [of('volumes'), of('volumeGib'), of('volumeSnapshots')]
  const [backups, backupGib] = [of('volumeBackups'), of('volumeBackupGib')]
  return {
    limits: {
      rate: [],
      absolute: {
        maxTotalVolumes: volumes.limit,
        maxTotalSnapshots: snapshots.limit,
        maxTotalVolumeGigabytes: gib.limit,
        maxTotalBackups: backups.limit,
        maxTotalBackupGigabytes: backupGib.limit,
        totalVolumesUsed: volumes.used,
        totalGigabytesUsed: gib.used,
        totalSnapshotsUsed: snapshots.used,
        totalBackupsUsed: backups.used,
        totalBackupGigabytesUsed: backupGib.used,
      },
    },
  }
}

/** Since 3.39 administrators may ask for the limits of a project. */
function ofProject({ ctx, query, minor }: Call): { projectId: string } | undefined {
  const projectId = minor >= 39 && isAdmin(ctx) ? queryText(query, 'project_id') : undefined
  return projectId === undefined ? undefined : { projectId }
}

/** The extensions in Cinder's list; only those that this cloud answers. */
const extensions: readonly [alias: string, name: string, description: string, updated: string][] = [
  ['backups', 'Backups', 'Backups support.', '2012-08-16'],
  ['os-availability-zone', 'AvailabilityZones', 'Describe Availability Zones.', '2013-06-27'],
  ['os-quota-class-sets', 'QuotaClasses', 'Quota classes management support.', '2012-03-12'],
  ['os-quota-sets', 'Quotas', 'Quota management support.', '2011-08-08'],
  ['os-services', 'Services', 'Services support.', '2012-10-28'],
  ['os-used-limits', 'UsedLimits', 'Provide data on limited resources that are being used.', '2013-10-03'],
  ['os-vol-host-attr', 'VolumeHostAttribute', 'Expose host as an attribute of a volume.', '2011-11-03'],
  [
    ...(['os-vol-image-meta', 'VolumeImageMetadata'] as const),
    ...(['Show image metadata associated with the volume.', '2012-12-07'] as const),
  ],
  [
    ...(['os-vol-mig-status-attr', 'VolumeMigStatusAttribute'] as const),
    ...(['Expose migration_status as an attribute of a volume.', '2013-08-08'] as const),
  ],
  [
    ...(['os-vol-tenant-attr', 'VolumeTenantAttribute'] as const),
    ...(['Expose the internal project_id as an attribute of a volume.', '2011-11-03'] as const),
  ],
  ['os-volume-actions', 'VolumeActions', 'Enable volume actions.', '2012-05-31'],
]
const extensionView = ([alias, name, description, updated]: (typeof extensions)[number]) => ({
  alias,
  description,
  links: [],
  name,
  updated: `${updated}T00:00:00+00:00`,
})

const get = { method: 'GET', status: 200 } as const
export const otherOperations: ApiOperation[] = [
  {
    ...get,
    name: 'zones.list',
    path: '/os-availability-zone',
    summary: 'List availability zones',
    access: 'anyone',
    handle: async ({ ctx }) => ({
      availabilityZoneInfo: (await listZones(ctx, { detail: false })).map(({ name, available }) => ({
        zoneName: name,
        zoneState: { available },
      })),
    }),
  },
  {
    ...get,
    name: 'limits.get',
    path: '/limits',
    summary: 'Show limits and use of a project',
    access: 'list',
    except: { systemReader: 'forbidden' }, // a reader of the system has no project
    handle: limits,
  },
  {
    ...get,
    name: 'extensions.list',
    path: '/extensions',
    summary: 'List extensions',
    access: 'anyone',
    deviation: 'Only those that answer.',
    handle: () => ({ extensions: extensions.map(extensionView) }),
  },
  {
    ...get,
    name: 'extensions.get',
    path: '/extensions/:alias',
    names: ['alias'],
    summary: 'Show an extension',
    access: 'anyone',
    handle: ({ params }) => {
      const found = extensions.find(([alias]) => alias === params.alias)
      if (!found) throw new HttpError(404, 'The extension could not be found.')
      return { extension: extensionView(found) }
    },
  },
]
