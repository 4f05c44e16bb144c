import { isDeepStrictEqual } from 'node:util'
import type { AddressSetSpec, PortSpec, RouterSpec } from '../interface.ts'
import { type Entry, isWhole } from './state.ts'

/**
 * These functions compute the record that is written before a change begins. The record has the mark `pending`
 * when the change consists of more than the kernel's rules and links.
 */

export function portChange(
  spec: PortSpec,
  slot: number,
  known: Entry<PortSpec> | undefined,
): Entry<PortSpec> {
  if (known && isWhole(known) && isDeepStrictEqual(known.spec, spec)) return known
  const before = known?.spec.addresses.map(({ ip }) => ip) ?? []
  return {
    slot,
    spec,
    pending: { addresses: [...new Set([...before, ...(known?.pending?.addresses ?? [])])] },
  }
}

/** The record of a changed address set. Only a set that loses a member has flows to end. */
export function setChange(
  spec: AddressSetSpec,
  known: Entry<AddressSetSpec> | undefined,
): Entry<AddressSetSpec> {
  const now = new Set(spec.addresses)
  const loses = known && (!isWhole(known) || known.spec.addresses.some((address) => !now.has(address)))
  return loses ? { slot: 0, spec, pending: { addresses: [] } } : { slot: 0, spec }
}

/** The record of a changed router. Flows through an address end when the router loses the address or it leads to another guest. */
export function routerChange(spec: RouterSpec, known: Entry<RouterSpec> | undefined): Entry<RouterSpec> {
  if (known && isWhole(known) && isDeepStrictEqual(known.spec, spec)) return known
  const now = meaningOf(spec)
  const before = known ? [...meaningOf(known.spec)] : []
  const lost = before.filter(([address, leadsTo]) => known?.leaving || now.get(address) !== leadsTo)
  const addresses = [...lost.map(([address]) => address), ...(known?.pending?.addresses ?? [])]
  return { slot: 0, spec, pending: { addresses: [...new Set(addresses)] } }
}

const meaningOf = ({ external, interfaces, floatingIps }: RouterSpec): Map<string, string> =>
  new Map([
    ...(external ? [[external.address, 'the router'] as const] : []),
    ...interfaces.map(({ address }) => [address, 'the router'] as const),
    ...floatingIps.map(({ address, fixedAddress }) => [address, fixedAddress] as const),
  ])

/** True when each rule and address of `before` is still in `spec`, so that everything that was allowed still is. */
export function covers(spec: PortSpec, before: PortSpec): boolean {
  if (!spec.portSecurity) return true
  if (!before.portSecurity) return false
  const now = new Set(spec.rules.map((rule) => JSON.stringify(rule)))
  const addresses = new Set(spec.addresses.map((address) => address.ip))
  return (
    before.rules.every((rule) => now.has(JSON.stringify(rule))) &&
    before.addresses.every((address) => addresses.has(address.ip))
  )
}

/** True when a port loses rights that its record gives: then the record is synced, so that a power cut does not bring them back. */
export function takesAway(spec: PortSpec, known: Entry<PortSpec> | undefined): boolean {
  if (!known) return false
  const { spec: before } = known
  return (
    !isWhole(known) || !covers(spec, before) || before.mac !== spec.mac || (before.adminUp && !spec.adminUp)
  )
}
