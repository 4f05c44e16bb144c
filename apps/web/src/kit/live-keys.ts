/** Hosts are told of it: who shows what they have not confirmed looks again. */
const hostsHear = ['hosts.list', 'compute.instances.waiting'] as const
/**
 * Which queries an event makes stale: `resourceKind` of the event log → router paths. A path covers
 * everything below it ("compute.instances" covers list, get and plan).
 */
export const liveKeys: Record<string, readonly string[]> = {
  instance: ['compute.instances', 'networking.ports', 'networking.networks', 'hosts', 'quota'],
  image: ['images', 'quota', 'compute.instances.plan'],
  network: [
    'networking.networks',
    'networking.routers',
    'networking.ports',
    'quota',
    'compute.instances.plan',
    ...hostsHear,
  ],
  subnet: ['networking.networks', 'networking.routers', 'quota', 'compute.instances.plan', ...hostsHear],
  port: ['networking', 'quota', ...hostsHear],
  router: [
    'networking.routers',
    'networking.networks',
    'networking.floatingIps',
    'quota',
    'compute.instances.plan',
    ...hostsHear,
  ],
  floatingIp: ['networking.floatingIps', 'networking.ports', 'compute.instances', 'quota', ...hostsHear],
  securityGroup: [
    'networking.securityGroups',
    'networking.ports',
    'compute.instances',
    'quota',
    ...hostsHear,
  ],
  keyPair: ['compute.keyPairs', 'quota', 'compute.instances.plan'],
  flavor: ['compute.flavors', 'compute.instances.plan'],
  /** Machines of a project's instances answer again, or do not. */
  machine: ['compute.instances'],
  host: ['hosts', 'images.trash', 'compute.instances.plan'],
  domain: ['identity'],
  project: ['identity', 'quota'],
  user: ['identity'],
  group: ['identity'],
  role: ['identity'],
  session: ['identity.sessions'],
  credential: ['identity.ec2Credentials'],
  applicationCredential: ['identity.applicationCredentials'],
  trust: ['identity.trusts'],
  quota: ['quota'],
  serverGroup: ['compute.instances', 'quota'],
  aggregate: ['hosts'],
  service: ['catalog'],
  endpoint: ['catalog'],
  region: ['catalog'],
  /** No page shows these. */
  signIn: [],
  accessRule: [],
  policy: [],
  requestToken: [],
  endpoint_group: [],
  limit: [],
  registered_limit: [],
  consumer: [],
  access_token: [],
  transaction: [],
  blob: [],
}
/** `operation.begun` and `operation.updated` say the kind of what it works on; the operations themselves change too. */
export const operationKeys: readonly string[] = ['operations']
