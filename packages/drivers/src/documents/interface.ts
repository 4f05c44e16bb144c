import type { DriverErrorCode } from '../errors.ts'
import type { AddressSetSpec, NetworkSpec, ObservedPort, PortSpec, RouterSpec } from '../network/interface.ts'
import type { Op } from '../op.ts'

/**
 * What a host should be, piece by piece. A document states the whole wish for one thing, or (`body`
 * null) that it should not be there. Its generation only grows; an older one than the host knows is
 * refused, so that deliveries may overtake each other and what was revoked never comes back.
 */
export type DocumentBodies = {
  network: NetworkSpec
  addressSet: AddressSetSpec
  router: RouterSpec
  port: PortSpec
}
export type DocumentKind = keyof DocumentBodies
export type HostDocument = {
  [K in DocumentKind]: { kind: K; id: string; generation: number; body: DocumentBodies[K] | null }
}[DocumentKind]

export type Receipt = {
  kind: DocumentKind
  id: string
  generation: number
} & (
  | { outcome: 'reached'; port?: ObservedPort }
  /** `known`: what the host has heard already. */
  | { outcome: 'older'; known: number }
  | { outcome: 'failed'; code: DriverErrorCode; message: string }
)

/** What the host has heard last of a thing, and whether it is like that by now. */
export type KeptDocument = {
  kind: DocumentKind
  id: string
  generation: number
  reached: boolean
  gone: boolean
}

export interface DocumentKeeper {
  /**
   * Makes the host like these documents, in the order that they need (networks before their ports,
   * what goes before what takes its place), and says of each what came of it. One that fails does not
   * stop the others. A replay of what is reached costs nothing.
   */
  apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]>
  list(op: Op): Promise<KeptDocument[]>
}
