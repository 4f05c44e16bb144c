import type { Ctx } from '../../kernel/context.ts'
import type { CloudError } from '../../kernel/errors.ts'
import type { Run } from '../../kernel/workflow.ts'

/**
 * A kind of thing that an instance can have and that another room owns. The rows of the thing say which instance has
 * the thing, the instance's host follows these rows, and the guest is told by the document of the instance. So a kind
 * only says how its rows change (docs/decisions/0024-attachments.md). workflows/attachments.ts makes both workflows of
 * the kind.
 */
export type Attachment = {
  /** `resourceKind` of the things: "port". */
  kind: string
  /**
   * The name of the thing's id in the input of the operation. Operations outlive versions, so the name never changes.
   */
  input: string
  /** The steps of the workflows. Their names never change either. */
  steps: {
    /** The guest gets the thing. */
    give: { name: string; title: string }
    /** The guest releases the thing; the undo gives the thing to the guest again. */
    take: { name: string; title: string }
    /** No instance has the thing any more: its rows are deleted, or return to the owner who lent the thing. */
    release: { name: string; title: string }
  }
  /** The message for a guest that does not release the thing in time; the instance keeps the thing. */
  stuck: string
  /**
   * Whether the host is told at once also of a guest that does not run, because another guest may be waiting for the
   * thing; then the thing is released only when the host has confirmed that the guest does not have it. Otherwise the
   * host hears of the change by and by, and has made it at the guest's next start.
   */
  always: boolean
  /** Tells the host what it needs before it is told to give the thing to the guest. */
  prepare?(ctx: Ctx, instance: { hostId: string }, id: string): Promise<void>
  /** Writes that the host of the instance is to have the thing, unless the instance has it no more. */
  bind(ctx: Ctx, instance: { id: string; hostId: string }, id: string): Promise<void>
  /** Writes that no host is to have the thing, unless the instance has it no more. In a transaction. */
  unbind(ctx: Ctx, instanceId: string, id: string): Promise<void>
  /** Writes that the guest has the thing, also when the guest has kept it. */
  given?(ctx: Ctx, instanceId: string, id: string): Promise<void>
  /** Tells the clients of the thing's room why the instance could not be given the thing. Idempotent. */
  failed?(run: Pick<Run<unknown>, 'ctx' | 'operationId'>, id: string, error: CloudError): Promise<void>
  /**
   * Releases rows and quota of a thing that its host does not have any more. A thing that is already gone is success.
   * In a transaction that has locked the row of the instance.
   */
  release(ctx: Ctx, instanceId: string, id: string): Promise<void>
}
