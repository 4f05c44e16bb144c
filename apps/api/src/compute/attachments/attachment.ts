import type { Ctx } from '../../kernel/context.ts'
import type { InstanceRow } from '../instances/load.ts'

/**
 * A kind of thing that an instance has and another room owns. The rows of the thing say that the instance has it, its
 * host follows them, and the guest is told by the instance's own document, so a kind says only how its rows change
 * (docs/decisions/0024-attachments.md). workflows/attachments.ts makes the two workflows of it.
 */
export type Attachment = {
  /** `resourceKind` of the things: "port". */
  kind: string
  /** What the operation's input calls the id of the thing; operations outlive versions, so this is for ever. */
  input: string
  /** The steps. Their names are for ever, too. */
  steps: {
    /** The guest gets the thing. */
    give: { name: string; title: string }
    /** The guest lets go of the thing; undone by giving it again. */
    take: { name: string; title: string }
    /** Nobody has the thing any more: its rows go, or return to whoever lent them. */
    release: { name: string; title: string }
  }
  /** Said when a guest does not let go of the thing in time; the instance keeps it. */
  stuck: string
  /** The host of the instance is to have the thing. */
  bind(ctx: Ctx, id: string, hostId: string): Promise<void>
  /** No host is to have the thing. */
  unbind(ctx: Ctx, id: string): Promise<void>
  /** Rows and quota of a thing that is off its host. Gone is success. */
  release(ctx: Ctx, instance: InstanceRow, id: string): Promise<void>
}
