import { isDeepStrictEqual } from 'node:util'
import type { AddressSetSpec, PortSpec, RouterSpec } from '../interface.ts'
import { type Entry, isWhole } from './state.ts'

/** What is recorded before a change begins: with a mark (`pending`) when more than the kernel's rules and links is to be done. */

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

/** A set that loses nobody ends no flow. */
export function setChange(
  spec: AddressSetSpec,
  known: Entry<AddressSetSpec> | undefined,
): Entry<AddressSetSpec> {
  const now = new Set(spec.addresses)
  const loses = known && (!isWhole(known) || known.spec.addresses.some((address) => !now.has(address)))
  return loses ? { slot: 0, spec, pending: { addresses: [] } } : { slot: 0, spec }
}

/** Flows by an address end when the router has it no more, and when it leads to another guest. */
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

/** True when everything that `before` allowed is allowed by the same words now. */
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

/** True when a port may do less than what is recorded of it, which must not come back after a power cut. */
export function takesAway(spec: PortSpec, known: Entry<PortSpec> | undefined): boolean {
  if (!known) return false
  const { spec: before } = known
  return (
    !isWhole(known) || !covers(spec, before) || before.mac !== spec.mac || (before.adminUp && !spec.adminUp)
  )
}
