import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as spec from './spec.ts'

/**
 * A document states the whole wish for one thing of a host, or (`body` null) that the thing should not be
 * there. The generation of a thing only grows, and a host refuses an older generation than the one it knows, so that
 * deliveries may overtake each other and nothing that was revoked comes back.
 */
export type HostDocument = {
  [K in DocumentKind]: { kind: K; id: string; generation: number; body: DocumentBodies[K] | null }
}[DocumentKind]
export type DocumentKind = keyof typeof spec.documentBodies
export type DocumentBodies = { [K in DocumentKind]: Described<(typeof spec.documentBodies)[K]> }
export type InstanceWish = Described<typeof spec.instanceWish>
export type Receipt = z.output<typeof spec.receipt>
export type KeptDocument = z.output<typeof spec.keptDocument>

export interface DocumentKeeper {
  /**
   * Makes the host as these documents say, in an order in which each finds what it needs (networks before their
   * ports, ports before their guest, removals before additions that take their place), and returns a receipt for
   * each. A document that fails does not stop the others. Repeating a document that is reached costs little.
   * Progress is told as "plugging port", "making the root disk", "starting the guest".
   */
  apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]>
  list(op: Op, kind: DocumentKind): Promise<KeptDocument[]>
}
