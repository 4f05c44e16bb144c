import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'

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

/** An error as Neutron raises it. */
export function asNeutron(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error
  const other = error.reason === null ? undefined : differing[error.reason]
  if (other) return new HttpError(other.status, error.message, { type: other.type, cause: error })
  if (error.code === 'invalid_input' && error.reason === null)
    return new HttpError(400, error.message, { type: 'InvalidInput', cause: error })
  return error
}

export const badRequest = (message: string) => new HttpError(400, message, { type: 'HTTPBadRequest' })
