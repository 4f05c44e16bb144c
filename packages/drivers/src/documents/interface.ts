import type { z } from 'zod'
import type { Described } from '../frozen.ts'
import type { Op } from '../op.ts'
import type * as spec from './spec.ts'

/**
 * What a host should be, piece by piece. A document states the whole wish for one thing, or (`body`
 * null) that it should not be there. Its generation only grows; an older one than the host knows is
 * refused, so that deliveries may overtake each other and what was revoked never comes back.
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
   * Makes the host like these documents, in the order that they need (networks before their ports, ports
   * before their guest, what goes before what takes its place), and says of each what came of it. One that
   * fails does not stop the others. A replay of what is reached costs little. Progress is told as
   * "plugging port", "making the root disk", "starting the guest".
   */
  apply(op: Op, documents: readonly HostDocument[]): Promise<Receipt[]>
  list(op: Op, kind: DocumentKind): Promise<KeptDocument[]>
}
