import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { quotaNameOf } from './quota-names.ts'

/**
 * Neutron's status and name of an error, by the error's reason, where they differ from the kernel's
 * (openstack/errors.ts).
 */
const differing: Record<string, { status: number; type: string }> = {
  subnetOverlaps: { status: 400, type: 'InvalidInput' },
  outOfBoundsAllocationPool: { status: 409, type: 'OutOfBoundsAllocationPool' },
  routerInterfaceOverlaps: { status: 400, type: 'BadRequest' },
  routerInterfaceFixedIpChangeNotAllowed: { status: 400, type: 'BadRequest' },
  routerInterfaceNotFound: { status: 404, type: 'RouterInterfaceNotFound' },
  externalGatewayForFloatingIpNotFound: { status: 404, type: 'ExternalGatewayForFloatingIPNotFound' },
  portSecurityAndIPRequiredForSecurityGroups: {
    status: 400,
    type: 'PortSecurityAndIPRequiredForSecurityGroups',
  },
}

/** Neutron's names of the fields of this room's inputs: callers who read a refusal know these names. */
const fieldNames = new Map([
  ['cidr', 'cidr'],
  ['gatewayIp', 'gateway_ip'],
  ['pool', 'allocation_pools'],
  ['dns', 'dns_nameservers'],
  ['fixedIps', 'fixed_ips'],
  ['mac', 'mac_address'],
  ['deviceOwner', 'device_owner'],
  ['networkId', 'network_id'],
  ['subnetId', 'subnet_id'],
  ['portId', 'port_id'],
  ['externalNetworkId', 'external_gateway_info'],
  ['protocol', 'protocol'],
  ['portMin', 'port_range_min'],
  ['portMax', 'port_range_max'],
  ['remoteCidr', 'remote_ip_prefix'],
])

/** Returns the sentence together with the name of its field, for which clients and people look. */
function named({ message, field }: CloudError): string {
  const name = fieldNames.get(field ?? '')
  return name === undefined || message.includes(name)
    ? message
    : `Invalid input for ${name}. Reason: ${message}`
}

/** Turns an error of the cloud into the error that Neutron would raise. */
export function asNeutron(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error
  if (error.code === 'quota_exceeded') {
    const resource = quotaNameOf(error.reason)
    const words = resource === undefined ? '' : `Quota exceeded for resources: ['${resource}']. `
    return new HttpError(409, words + error.message, { type: 'OverQuota', cause: error })
  }
  const other = error.reason === null ? undefined : differing[error.reason]
  if (other) return new HttpError(other.status, named(error), { type: other.type, cause: error })
  if (error.code === 'invalid_input')
    return new HttpError(400, named(error), { type: typeOf(error), cause: error })
  return error
}
const typeOf = ({ reason }: CloudError): string =>
  reason === null ? 'InvalidInput' : reason.charAt(0).toUpperCase() + reason.slice(1)

export const badRequest = (message: string, type = 'HTTPBadRequest') => new HttpError(400, message, { type })
