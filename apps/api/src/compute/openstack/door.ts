import type { Door } from '../../kernel/manifest.ts'
import { type ApiOperation, withoutSlash } from '../../openstack/operation.ts'
import { aggregateOperations } from './aggregates.ts'
import { consoleOperations } from './consoles.ts'
import { diagnosticsOperations } from './diagnostics.ts'
import { maxMinor, rootOperations, versionOperations } from './discovery.ts'
import { flavorSpecOperations } from './flavor-specs.ts'
import { flavorOperations } from './flavors.ts'
import { guestPasswordOperations } from './guest-password.ts'
import { hostOperations } from './hosts.ts'
import { hypervisorOperations } from './hypervisors.ts'
import { imageProxyOperations } from './image-proxies.ts'
import { instanceActionOperations } from './instance-actions.ts'
import { interfaceOperations } from './interfaces.ts'
import { keypairOperations } from './keypairs.ts'
import { limitOperations } from './limits.ts'
import { metadataOperations } from './metadata.ts'
import { networkProxyOperations } from './network-proxies.ts'
import { otherOperations } from './others.ts'
import { strictQueries } from './queries.ts'
import { quotaOperations } from './quotas.ts'
import { securityGroupOperations } from './security-groups.ts'
import { serverActionOperations } from './server-actions.ts'
import { serverGroupOperations } from './server-groups.ts'
import { serverOperations } from './servers.ts'
import { serviceOperations } from './services.ts'
import { usageOperations } from './usage.ts'
import { volumeAttachmentOperations } from './volume-attachments.ts'
import { zoneOperations } from './zones.ts'

/** Prefixes of addresses: old catalogs have /v2 and the project's id in the address. */
const below = ['/v2.1', '/v2.1/:project_id', '/v2', '/v2/:project_id']

const operations: ApiOperation[] = [
  ...flavorOperations,
  ...flavorSpecOperations,
  ...keypairOperations,
  ...serverOperations,
  ...serverActionOperations,
  ...consoleOperations,
  ...interfaceOperations,
  ...volumeAttachmentOperations,
  ...securityGroupOperations,
  ...metadataOperations,
  ...instanceActionOperations,
  ...serverGroupOperations,
  ...limitOperations,
  ...quotaOperations,
  ...zoneOperations,
  ...hypervisorOperations,
  ...serviceOperations,
  ...usageOperations,
  ...diagnosticsOperations,
  ...guestPasswordOperations,
  ...aggregateOperations,
  ...hostOperations,
  ...imageProxyOperations,
  ...networkProxyOperations,
  ...otherOperations,
]

/** Nova's API on the compute services of the cloud, with the microversions 2.1 to 2.79. */
export const novaDoor: Door = {
  service: 'compute',
  facade: {
    prefix: '/compute',
    style: 'nova',
    ids: 'uuid',
    microversions: {
      service: 'compute',
      legacyHeader: 'X-OpenStack-Nova-API-Version',
      min: [2, 1],
      max: [2, maxMinor],
    },
    canonicalPath: withoutSlash,
    requestIdHeaders: ['x-compute-request-id'],
  },
  catalog: { name: 'nova', path: '/compute/v2.1' },
  operations: [
    { below: [''], operations: [...rootOperations, ...versionOperations] },
    { below, operations: strictQueries(operations) },
  ],
}
