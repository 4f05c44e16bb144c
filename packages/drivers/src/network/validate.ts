import { isIPv6 } from 'node:net'
import type { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { AddressSetSpec, NetworkSpec, PortSpec, RouterSpec } from './interface.ts'
import { addressSetSpec, id, networkSpec, portSpec, routerSpec } from './spec.ts'

/** Returns the parsed value; raises `invalid` with the first faults and their paths. */
function parse<T>(schema: z.ZodType<T>, what: string, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`)
  throw new DriverError('invalid', `The ${what} cannot be honoured: ${faults.join('; ')}`)
}

/** Refuses IPv6 with a message of its own, because the driver does not support IPv6 (capabilities.ipv6 is false). */
function refuseIpv6(what: string, addresses: readonly unknown[]): void {
  const found = addresses.some((text) => typeof text === 'string' && isIPv6(text.split('/')[0] ?? ''))
  if (found)
    throw new DriverError('unsupported', `The ${what} has IPv6 addresses; this host carries only IPv4.`)
}

export function checkNetwork(spec: NetworkSpec): NetworkSpec {
  refuseIpv6('network', Array.isArray(spec.subnets) ? spec.subnets.map((s) => s?.cidr) : [])
  return parse(networkSpec, 'network', spec)
}

export function checkPort(spec: PortSpec): PortSpec {
  refuseIpv6('port', Array.isArray(spec.addresses) ? spec.addresses.map((a) => a?.ip) : [])
  return parse(portSpec, 'port', spec)
}

export function checkRouter(spec: RouterSpec): RouterSpec {
  refuseIpv6('router', Array.isArray(spec.interfaces) ? spec.interfaces.map((i) => i?.address) : [])
  return parse(routerSpec, 'router', spec)
}

export function checkAddressSet(spec: AddressSetSpec): AddressSetSpec {
  return parse(addressSetSpec, 'address set', spec)
}

export function checkId(value: string): string {
  return parse(id, 'id', value)
}
