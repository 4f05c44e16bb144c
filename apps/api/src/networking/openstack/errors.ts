import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import { quotaNameOf } from './quota-names.ts'

/** Where Neutron's status or name of an error is another than the kernel's (openstack/errors.ts) for its reason. */
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

/** What Neutron calls the fields of this room's inputs: whoever reads a refusal knows these names. */
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

/** The sentence with the name of the field that it is about, which clients and people look for. */
function named({ message, field }: CloudError): string {
  const name = fieldNames.get(field ?? '')
  return name === undefined || message.includes(name)
    ? message
    : `Invalid input for ${name}. Reason: ${message}`
}

/** An error as Neutron raises it. */
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
