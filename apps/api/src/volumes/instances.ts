import type { Ctx } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'

/** What this room needs of instances. They belong to another room (compute), which registers the functions here. */
export type Instances = {
  /** The host of an instance; null: none yet. Throws not_found for an instance that the caller may not see. */
  hostOf(ctx: Ctx, id: string): Promise<string | null>
  /** Takes a volume from an instance: the volume is available when the guest has let go. */
  detach(ctx: Ctx, input: { id: string; volumeId: string }): Promise<void>
}

let known: Instances | undefined
export function defineInstances(instances: Instances): void {
  known = instances
}

export function instances(): Instances {
  invariant(known, 'no room says what instances are')
  return known
}
