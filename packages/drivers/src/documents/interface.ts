import type { DriverErrorCode } from '../errors.ts'
import type { InstanceSpec, ObservedInstance } from '../hypervisor/interface.ts'
import type { AddressSetSpec, NetworkSpec, ObservedPort, PortSpec, RouterSpec } from '../network/interface.ts'
import type { Op } from '../op.ts'
import type { BaseSpec, DiskSpec } from '../storage/interface.ts'

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
  instance: InstanceWish
}
/** A guest with its root disk (which has its id) and its ports. */
export type InstanceWish = Omit<InstanceSpec, 'disks' | 'nics' | 'power'> & {
  /** Null: whether it runs is left as it is. */
  power: 'running' | null
  /** Null: it was made at the launch and must be there. Made anew it would be an empty one. */
  disk: (Pick<DiskSpec, 'sizeGib' | 'mode'> & { base: BaseSpec }) | null
  /** Ids of its ports, in the order of its NICs. */
  ports: readonly string[]
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
  | { outcome: 'reached'; port?: ObservedPort; guest?: ObservedInstance }
  /**
   * It takes its time; whoever waits asks again, at least twice a minute: what nobody asks for any more is given
   * up. `for`: "the host to copy the image".
   */
  | { outcome: 'working'; for: string }
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
   * Makes the host like these documents, in the order that they need (networks before their ports, ports
   * before their guest, what goes before what takes its place), and says of each what came of it. One that
   * fails does not stop the others. A replay of what is reached costs little. Progress is told as
   * "plugging port", "making the root disk", "starting the guest".
   */
  apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]>
  list(op: Op, kind: DocumentKind): Promise<KeptDocument[]>
}
