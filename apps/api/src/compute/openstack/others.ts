import { seesAll } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** The extensions in Nova's list; only those that this cloud answers. */
const extensions: readonly [alias: string, name: string, description: string][] = [
  ['NMN', 'Multinic', 'Multiple network support.'],
  ['OS-DCF', 'DiskConfig', 'Disk Management Extension.'],
  ['OS-EXT-AZ', 'ExtendedAvailabilityZone', 'Extended Availability Zone support.'],
  ['OS-EXT-IPS', 'ExtendedIps', 'Adds type parameter to the ip list.'],
  ['OS-EXT-IPS-MAC', 'ExtendedIpsMac', 'Adds mac address parameter to the ip list.'],
  ['OS-EXT-SRV-ATTR', 'ExtendedServerAttributes', 'Extended Server Attributes support.'],
  ['OS-EXT-STS', 'ExtendedStatus', 'Extended Status support.'],
  ['OS-FLV-DISABLED', 'FlavorDisabled', 'Support to show the disabled status of a flavor.'],
  ['OS-FLV-EXT-DATA', 'FlavorExtraData', 'Provide additional data for flavors.'],
  ['OS-SCH-HNT', 'SchedulerHints', 'Pass arbitrary key/value pairs to the scheduler.'],
  ['OS-SRV-USG', 'ServerUsage', 'Adds launched_at and terminated_at on Servers.'],
  ['os-access-ips', 'AccessIPs', 'Access IPs support.'],
  ['os-aggregates', 'Aggregates', 'Admin-only aggregate administration.'],
  ['os-attach-interfaces', 'AttachInterfaces', 'Attach interface support.'],
  ['os-availability-zone', 'AvailabilityZone', 'Availability zones.'],
  ['os-config-drive', 'ConfigDrive', 'Config drives.'],
  ['os-console-output', 'ConsoleOutput', 'Console log output support.'],
  ['os-consoles', 'Consoles', 'Interactive console support.'],
  ['os-create-server-ext', 'Createserverext', 'Extended support to the create server API.'],
  ['os-flavor-access', 'FlavorAccess', 'Flavor access support.'],
  ['os-flavor-extra-specs', 'FlavorExtraSpecs', 'Flavors extra specs support.'],
  ['os-flavor-manage', 'FlavorManage', 'Flavor create and delete API support.'],
  ['os-floating-ip-pools', 'FloatingIpPools', 'Floating IPs support.'],
  ['os-floating-ips', 'FloatingIps', 'Floating IPs support.'],
  ['os-hosts', 'Hosts', 'Admin-only host administration.'],
  ['os-hypervisors', 'Hypervisors', 'Admin-only hypervisor administration.'],
  ['os-instance-actions', 'InstanceActions', 'View a log of actions taken on a server.'],
  ['os-instance_usage_audit_log', 'InstanceUsageAuditLog', 'Admin-only task log monitoring.'],
  ['os-keypairs', 'Keypairs', 'Keypair support.'],
  ['os-lock-server', 'LockServer', 'Enable lock and unlock of servers.'],
  ['os-multiple-create', 'MultipleCreate', 'Allow multiple create in the create server API.'],
  ['os-networks', 'Networks', 'Networks support.'],
  ['os-pause-server', 'PauseServer', 'Enable pause and unpause of servers.'],
  ['os-quota-class-sets', 'QuotaClasses', 'Quota classes management support.'],
  ['os-quota-sets', 'Quotas', 'Quotas management support.'],
  ['os-remote-consoles', 'Consoles', 'Interactive console support.'],
  ['os-security-groups', 'SecurityGroups', 'Security group support.'],
  ['os-server-groups', 'ServerGroups', 'Server group support.'],
  ['os-server-start-stop', 'ServerStartStop', 'Start and stop of servers.'],
  ['os-services', 'Services', 'Services support.'],
  ['os-simple-tenant-usage', 'SimpleTenantUsage', 'Simple tenant usage extension.'],
  ['os-tenant-networks', 'OSTenantNetworks', 'Tenant-based network management extension.'],
  ['os-used-limits', 'UsedLimits', 'Provide data on limited resources that are being used.'],
  ['os-user-data', 'UserData', 'Add user_data to the create server API.'],
  ['os-volume-attachments', 'VolumeAttachments', 'Attachments of volumes to servers.'],
]
const view = ([alias, name, description]: (typeof extensions)[number]) => ({
  alias,
  description,
  links: [],
  name,
  namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
  updated: '2014-12-03T00:00:00Z',
})

/** Answers with an empty list, for things that this cloud does not have, but only to callers who may know. */
function none<T>(call: Call, empty: T): T {
  if (!seesAll(call.ctx)) throw new HttpError(403, 'Only an administrator may list this.')
  return empty
}

export const otherOperations: ApiOperation[] = [
  {
    name: 'extensions.list',
    method: 'GET',
    path: '/extensions',
    summary: 'List extensions',
    status: 200,
    access: 'anyone',
    deviation: 'Only those that answer.',
    handle: () => ({ extensions: extensions.map(view) }),
  },
  {
    name: 'extensions.get',
    method: 'GET',
    path: '/extensions/:alias',
    names: ['alias'],
    summary: 'Show an extension',
    status: 200,
    access: 'anyone',
    handle: ({ params }) => {
      const found = extensions.find(([alias]) => alias === params.alias)
      if (!found) throw new HttpError(404, 'The extension could not be found.')
      return { extension: view(found) }
    },
  },
  {
    name: 'migrations.list',
    method: 'GET',
    path: '/os-migrations',
    summary: 'List migrations',
    status: 200,
    access: 'adminRead',
    deviation: 'Always empty: instances do not move between hosts yet.',
    handle: (call) => none(call, { migrations: [] }),
  },
]
